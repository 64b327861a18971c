import { assert, integer, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contextWithin } from './context-within.ts';
import { cutLine, cutToBytes } from './cut-text.ts';

describe('cutToBytes', () => {
  it('leaves what fits as it is, to the byte', () => {
    expect(cutToBytes('ä'.repeat(10), 20)).toBe('ä'.repeat(10));
  });

  it('cuts what does not fit to the last whole character, and shows it', () => {
    // Two line ends and the ellipsis take 5 bytes; of 15 that are left, 14 hold whole characters.
    expect(cutToBytes('ä'.repeat(11), 20)).toBe(`${'ä'.repeat(7)}\n\n…`);
    expect(cutToBytes('x'.repeat(65_536), 65_535)).toHaveLength(65_535 - 2);
  });

  it('is never longer than said, and always a text that JSON and UTF-8 keep', () => {
    expect.hasAssertions();
    assert(
      property(string({ unit: 'binary', maxLength: 200 }), integer({ min: 8, max: 60 }), (text, most) => {
        const cut = cutToBytes(text, most);
        const isKept = Buffer.from(cut).toString() === cut && !cut.includes('\u0000');
        expect(isKept && Buffer.byteLength(cut) <= most).toBe(true);
      }),
    );
  });

  it('mends half a character', () => {
    expect(cutToBytes('a\ud83d', 100)).toBe('a\ufffd');
  });
});

describe('cutLine', () => {
  it('is one line', () => {
    expect(cutLine(' a\n\tb ', 140)).toBe('a b');
  });

  it('counts characters, not half ones', () => {
    expect(cutLine('😀'.repeat(140), 140)).toBe('😀'.repeat(140));
    expect(cutLine('😀'.repeat(141), 140)).toBe(`${'😀'.repeat(139)}…`);
  });
});

describe('contextWithin', () => {
  it('leaves a usual one alone', () => {
    expect(contextWithin('argunix: checks.x86_64-linux.a')).toBe('argunix: checks.x86_64-linux.a');
  });

  it('keeps two long ones apart that differ at their end', () => {
    const [one, other] = ['a', 'b'].map((end) => contextWithin(`argunix: ${'x'.repeat(300)}${end}`));

    expect(Array.from(one ?? '')).toHaveLength(255);
    expect(one).not.toBe(other);
  });
});
