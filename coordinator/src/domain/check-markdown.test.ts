import { JOB_STATUSES, type JobStatus } from '@argunix/shared/domain/job-status';
import { array, assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeBlock, countsTable, failureHeading, inline } from './check-markdown.ts';

const signs = array(
  constantFrom(
    '`',
    '``',
    '```',
    '~',
    ' ',
    '\n',
    '\r',
    '\t',
    'a',
    '<',
    '@',
    '#',
    '[',
    '](',
    '!',
    '|',
    '\\',
    '\u2028',
    '\u001b',
    '\ud800',
  ),
  { maxLength: 60 },
).map((some) => some.join(''));

/** What CommonMark takes for the end of a block of code: as many backticks as it began with, or more, alone on a line. */
function closings(block: string): number {
  const [opening = ''] = /^`+/.exec(block) ?? [];
  const lines = block.split(/\r\n|\n|\r/).slice(1);
  return lines.filter((line) => new RegExp(`^ {0,3}\`{${opening.length},}[ \\t]*$`).test(line)).length;
}

describe('a block of code', () => {
  test('ends where it ends and nowhere before, whatever was printed', () => {
    assert(
      property(signs, (text) => {
        const block = codeBlock(text);
        return closings(block) === 1 && /\n`{3,}$/.test(block);
      }),
      { numRuns: 300 },
    );
    assert(property(string({ unit: 'binary' }), (text) => closings(codeBlock(text)) === 1));
  });

  // It took a sign of each row of backticks as an argument of one call, of which there may not be so many.
  test('of a million rows of backticks can be made', () => {
    expect(codeBlock('` '.repeat(1_000_000)).slice(0, 8)).toBe('```text\n');
  });

  test('has no control characters and no halves of characters', () => {
    expect(codeBlock('\u001b[31mred\u0007 \ud800')).toBe('```text\nred \ufffd\n```');
  });
});

describe('a piece of code in a line', () => {
  test('is one line with nothing in it that could end it', () => {
    assert(
      property(signs, (text) => {
        const piece = inline(text);
        const [fence = ''] = /^`+/.exec(piece) ?? [];
        const inside = piece.slice(fence.length, -fence.length || undefined);
        const rows = [...inside.matchAll(/`+/g)].map(([row]) => row.length);
        return (
          piece === '' ||
          (!/[\n\r\u2028]/.test(piece) && piece.endsWith(fence) && !rows.includes(fence.length))
        );
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['<img src=x onerror=alert(1)>'],
    ['@everyone'],
    ['[click](https://evil.test)'],
    ['</details><h1>'],
    ['![](https://evil.test/pixel)'],
    ['#1 GH-1'],
  ])('%s stands between backticks', (text) => {
    expect(inline(text)).toBe(`\` ${text} \``);
    expect(failureHeading(text)).toBe(`### \` ${text} \``);
  });

  test('of nothing is nothing', () => {
    expect(inline(' \n\u0007')).toBe('');
  });
});

test('a table of counts has the states that there are, and says when there are none', () => {
  const none = Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as Record<JobStatus, number>;

  expect(countsTable(none)).toBe('There is nothing to build.');
  expect(countsTable({ ...none, success: 2, timed_out: 1 })).toBe(
    '| success | timed out |\n| ---: | ---: |\n| 2 | 1 |',
  );
});
