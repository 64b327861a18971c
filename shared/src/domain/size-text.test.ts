import { expect, test } from 'vitest';
import { sizeText } from './size-text.ts';

test.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [700 * 2 ** 20, '700 MiB'],
  [1.5 * 2 ** 30, '1.5 GiB'],
  [4 * 2 ** 30, '4 GiB'],
  [3 * 2 ** 50, '3072 TiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
