import { assert, property, string } from 'fast-check';
import { expect, it } from 'vitest';
import { printable, shortened } from './printable.ts';

it('takes escape sequences out and keeps the text', () => {
  expect(printable('\u001b[31mred\u001b[0m \u001b]0;title\u0007plain\tüñí')).toBe('red plain    üñí');
});

it('never lets a control character through', () => {
  assert(
    property(string({ unit: 'binary' }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }),
  );
});

it('shortens to the width, ellipsis included', () => {
  expect(shortened('abcdef\nsecond line', 4)).toBe('abc…');
  expect(shortened('abcd', 4)).toBe('abcd');
});
