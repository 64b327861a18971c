import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLineSplitter } from './line-splitter.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

test('lines come whole, however they are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, unit: 'grapheme' }).map((text) => text.replaceAll('\n', '') || 'x')),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      (lines, sizes) => {
        const splitter = createLineSplitter(1_000_000);
        const bytes = encode(lines.map((line) => `${line}\n`).join(''));
        const got: string[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          got.push(...splitter.push(bytes.subarray(at, at + size)).lines);
          at += size;
        }
        expect(got).toEqual(lines);
      },
    ),
  );
});

test('a line that is too long ends it, and nothing of it is kept', () => {
  const splitter = createLineSplitter(10);

  expect(splitter.push(encode('short\n'))).toEqual({ lines: ['short'], overflow: false });
  expect(splitter.push(encode('123456'))).toEqual({ lines: [], overflow: false });
  expect(splitter.push(encode('789012\nnext\n'))).toEqual({ lines: [], overflow: true });
  expect(splitter.push(encode('more\n'))).toEqual({ lines: [], overflow: true });
});

test('the limit can be raised once it is known who talks', () => {
  const splitter = createLineSplitter(4);
  splitter.push(encode('one\n'));
  splitter.limit(100);

  expect(splitter.push(encode('a longer one\n'))).toEqual({ lines: ['a longer one'], overflow: false });
});

test('what comes byte by byte takes no more than twice its length', () => {
  const splitter = createLineSplitter(1_000_000);
  const piece = encode('x');
  const before = process.memoryUsage().arrayBuffers;
  for (let at = 0; at < 300_000; at += 1) {
    splitter.push(piece);
  }
  const grown = process.memoryUsage().arrayBuffers - before;

  expect(splitter.push(encode('\n')).lines[0]).toHaveLength(300_000);
  expect(grown).toBeLessThan(2_000_000);
});
