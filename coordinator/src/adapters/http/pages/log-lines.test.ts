import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitSgr } from '../../../../assets/sgr.js';
import { numberLines } from '../../../../test/fakes/job-logs.ts';
import { displayedText } from '../displayed-text.ts';
import { logLines } from './log-lines.ts';

test('colours become classes and end where the line says', () => {
  expect(
    splitSgr('a \u001b[1;31mred\u001b[0m \u001b[38;5;2mgreen\u001b[39m \u001b[38;2;1;2;3mplain'),
  ).toEqual([
    { text: 'a ', className: '' },
    { text: 'red', className: 'sgr-bold sgr-red' },
    { text: ' ', className: '' },
    { text: 'green', className: 'sgr-green' },
    { text: ' plain', className: '' },
  ]);
});

test('whatever a build prints, its pieces hold the text that is shown and only classes of ours', () => {
  const hostile = fc
    .array(
      fc.constantFrom(
        '\u001b[',
        '\u001b]0;',
        '\u001b',
        '31',
        '38;5;',
        '48;2;',
        ';',
        ':',
        'm',
        'K',
        '\r',
        '\u0007',
        '<b>',
        'é',
        '\t',
      ),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (line) => {
      const shown = displayedText(line);
      const pieces = splitSgr(shown);

      // oxlint-disable-next-line no-control-regex -- an escape is a control character
      expect(pieces.map((piece) => piece.text).join('')).toBe(shown.replaceAll(/\u001b\[[0-9;:]*m/g, ''));
      expect(pieces.map((piece) => piece.className).join(' ')).toMatch(/^[a-z -]*$/);
    }),
  );
});

test('a row tells where lines come from whenever that changes', () => {
  const lines = [
    ...numberLines(['one', 'two'], { derivation: 'hello-2.12', phase: 'buildPhase' }),
    ...numberLines(['three'], { derivation: 'hello-2.12', phase: 'checkPhase', number: 2 }),
  ];

  const { markup } = logLines(lines);

  expect(markup.match(/log-source">[^<]*/g)).toEqual([
    'log-source">hello-2.12 · buildPhase',
    'log-source">hello-2.12 · checkPhase',
  ]);
  expect(markup).toContain('id="L3"><a class="log-number" href="#L3">3</a>');
});
