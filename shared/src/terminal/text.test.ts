import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { terminalLine, terminalText } from './text.ts';

const ESC = '\u001b';

describe('a line of a log', () => {
  test('of nothing but carriage returns and a letter is made safe at once, not after minutes', () => {
    expect(terminalLine(`${'\r'.repeat(200_000)}x\r\n`).trim()).toBe('x');
  });

  test('keeps its colours, and they end with it', () => {
    expect(terminalLine(`${ESC}[1;31mred${ESC}[0m plain`)).toBe(`${ESC}[1;31mred${ESC}[0m plain${ESC}[0m`);
    expect(terminalLine(`${ESC}[38:2:1:2:3mrgb`)).toBe(`${ESC}[38:2:1:2:3mrgb${ESC}[0m`);
  });

  test.each([
    ['clearing the screen', `a${ESC}[2Jb`, 'ab'],
    ['moving the cursor', `a${ESC}[1;1Hb`, 'ab'],
    ['a one-byte sequence', 'a\u009b2Jb', 'ab'],
    ['setting the title', `a${ESC}]0;title\u0007b`, 'ab'],
    ['a link', `${ESC}]8;;http://x${ESC}\\text${ESC}]8;;${ESC}\\`, 'text'],
    ['asking the terminal for an answer', `a${ESC}[6nb${ESC}[cc`, 'abc'],
    ['device control', `a${ESC}P1;2|evil${ESC}\\b`, 'ab'],
    ['a reset', `a${ESC}cb`, 'ab'],
    ['a bell, a backspace and a delete', 'a\u0007b\u0008c\u007fd', 'abcd'],
    ['overwriting by carriage return', 'good\rbad', 'good bad'],
    ['a colour with letters of its own', `a${ESC}[?25mb`, 'ab'],
    ['an escape at the end', `a${ESC}`, 'a'],
    ['a title without an end', `a${ESC}]0;why it failed`, 'a0;why it failed'],
  ])('loses %s', (_what, line, shown) => {
    expect(terminalLine(line)).toBe(shown);
  });

  test('keeps tabs and what is no control character', () => {
    expect(terminalLine('\tgrüß 🙂 漢字')).toBe('\tgrüß 🙂 漢字');
  });
});

test('a name keeps no control character at all, no colour and no change of direction', () => {
  expect(terminalText(`a${ESC}[31mb\nc\td\u202Ee${ESC}]0;x\u0007`)).toBe('ab c de');
});

test('whatever comes in, only colours come out', () => {
  const odd = string({ unit: 'binary', maxLength: 60 }).map((text) =>
    text.replaceAll('x', ESC).replaceAll('y', '['),
  );

  assert(
    property(odd, (text) => {
      // oxlint-disable-next-line no-control-regex -- what must not come out is what this looks for
      const left = terminalLine(text).replaceAll(/\u001b\[[0-9;:]*m/g, '');
      // oxlint-disable-next-line no-control-regex -- the same
      expect(left).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/);
      // oxlint-disable-next-line no-control-regex -- the same
      expect(terminalText(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }),
    { numRuns: 2000 },
  );
});
