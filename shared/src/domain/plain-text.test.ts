import { expect, test } from 'vitest';
import { plainText } from './plain-text.ts';

test('colours, titles and cursor moves are taken out, words and line ends stay', () => {
  expect(plainText('\u001b[31;1merror:\u001b[0m a\n\tb')).toBe('error: a\n\tb');
  expect(plainText('\u001b]0;title\u0007x\u001b]8;;http://a\u001b\\y')).toBe('xy');
  expect(plainText('a\u001b[2J\u001b(Bb\r\u0000c\u009b')).toBe('abc');
});

test('an escape that never ends does not take long', () => {
  const text = '\u001b]'.repeat(50_000) + '\u001b['.repeat(50_000);

  expect(plainText(text).length).toBeLessThan(text.length);
});
