import { array, assert, integer, property, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { createHeadsReader } from './remote-heads.ts';

const SHA = 'a'.repeat(40);

function read(
  text: string | Buffer,
  max?: number,
): ReturnType<ReturnType<typeof createHeadsReader>['finish']> {
  const reader = createHeadsReader(max);
  reader.push(typeof text === 'string' ? Buffer.from(text) : text);
  return reader.finish();
}

test('the second line of a tag object, with the revision that it names, is the one that counts', () => {
  const peeled = 'b'.repeat(40);

  expect(read(`${SHA}\trefs/tags/v1\n${peeled}\trefs/tags/v1^{}\n`)).toMatchObject({
    remote: { heads: [{ ref: 'refs/tags/v1', sha: peeled }], defaultBranch: null },
  });
});

test('other refs, such as requests of a forge, are not kept', () => {
  expect(
    read(`ref: refs/heads/main\tHEAD\n${SHA}\tHEAD\n${SHA}\trefs/pull/1/head\n${SHA}\trefs/heads/main\n`),
  ).toEqual({
    kind: 'heads',
    unnamed: 0,
    remote: { heads: [{ ref: 'refs/heads/main', sha: SHA }], defaultBranch: 'refs/heads/main' },
  });
});

test.each([
  'hello\n',
  `${SHA} refs/heads/main\n`,
  `${SHA}\t\n`,
  `${SHA}\trefs/heads/main`,
  '\n',
  `${SHA.slice(1)}\tx\n`,
])('%j is rubbish', (text) => {
  expect(read(text)).toEqual({ kind: 'rubbish' });
});

test('a line without an end is given up early', () => {
  const reader = createHeadsReader();

  expect(reader.push(Buffer.alloc(20_000, 'x'))).toBe('rubbish');
});

test('more heads than the limit are too many, and the rest is not read', () => {
  expect(read(`${SHA}\trefs/heads/a\n${SHA}\trefs/heads/b\n`, 2)).toMatchObject({ kind: 'heads' });
  expect(read(`${SHA}\trefs/heads/a\n${SHA}\trefs/heads/b\n${SHA}\trefs/heads/c\nrubbish\n`, 2)).toEqual({
    kind: 'too-many',
  });
});

test('however the bytes are cut, the same heads are read', () => {
  const whole = Buffer.from(
    `ref: refs/heads/ü\tHEAD\n${SHA}\tHEAD\n${SHA}\trefs/heads/ü\n${SHA}\trefs/tags/🚀\n`,
  );
  assert(
    property(array(integer({ min: 0, max: whole.length })), (cuts) => {
      const reader = createHeadsReader();
      let from = 0;
      for (const cut of [...cuts.toSorted((a, b) => a - b), whole.length]) {
        reader.push(whole.subarray(from, cut));
        from = cut;
      }
      expect(reader.finish()).toEqual(read(whole));
    }),
  );
});

test('no bytes make it throw', () => {
  assert(
    property(uint8Array({ maxLength: 200 }), (bytes) => {
      expect(['heads', 'rubbish', 'too-many']).toContain(read(Buffer.from(bytes)).kind);
    }),
  );
});
