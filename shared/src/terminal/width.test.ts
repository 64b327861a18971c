import { expect, test } from 'vitest';
import { cutToWidth, padToWidth, widthOf } from './width.ts';

test('wide characters take two columns and combining marks none', () => {
  expect(widthOf('漢字')).toBe(4);
  expect(widthOf('e\u0301')).toBe(1);
  expect(padToWidth('漢', 4)).toBe('漢  ');
});

test.each([
  ['hello', 5, 'hello'],
  ['hello!', 5, 'hell…'],
  ['漢字漢字', 5, '漢字…'],
  ['hello', 0, ''],
  ['\u001b[31mhello!\u001b[0m', 5, '\u001b[31mhell…\u001b[0m'],
])('%j in %i columns is %j', (text, columns, shown) => {
  expect(cutToWidth(text, columns)).toBe(shown);
});
