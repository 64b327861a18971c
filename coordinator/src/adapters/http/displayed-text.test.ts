import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { displayedText } from './displayed-text.ts';

test.each([
  ['plain \u00e4\u{1f600} text', 'plain \u00e4\u{1f600} text'],
  ['\u001b[1;31mred\u001b[0m', '\u001b[1;31mred\u001b[0m'],
  ['\u001b[38:5:1mred\u001b[m', '\u001b[38:5:1mred\u001b[m'],
  ['\u001b]0;title\u0007after', 'after'],
  ['\u001b]8;;http://evil\u001b\\link\u001b]8;;\u001b\\', 'link'],
  ['\u001b]0;without an end: error', ']0;without an end: error'],
  ['\u001bPq#0;2\u001b\\sixel', 'sixel'],
  ['\u001b[2J\u001b[Hcleared', 'cleared'],
  ['\u001b[?25lhidden cursor', 'hidden cursor'],
  ['\u001bcreset', 'reset'],
  ['\u009b31mred in eight bits', 'red in eight bits'],
  ['nul\0 bell\u0007 back\bspace', 'nul bell backspace'],
  ['10%\r20%\r100%\r', '100%'],
  ['\r', ''],
  ['\rwhole', 'whole'],
  ['a\tb', 'a\tb'],
  ['</script>', '</script>'],
  ['cut \u001b[3', 'cut [3'],
])('%j is shown as %j', (text, shown) => {
  expect(displayedText(text)).toBe(shown);
});

test('no text, however it is made, leaves a control character but tabs and colours', () => {
  const parts = fc.oneof(
    fc.constantFrom('\u001b', '[', ']', '\u009b', ';', '3', 'm', 'P', '\\', '\u0007', '\r'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(parts), (texts) => {
      const shown = displayedText(texts.join(''));

      // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
      expect(shown.replaceAll(/\u001b\[[0-9;:]*m/g, '')).not.toMatch(/[\0-\x08\x0a-\x1f\x7f-\x9f]/);
    }),
    { numRuns: 2_000 },
  );
});
