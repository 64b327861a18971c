import { expect, test } from 'vitest';
import { evaluationView, jobView } from '../control-api/testing/views.ts';
import { formatCounts, formatFailures, formatJobs } from './job-table.ts';
import { fakeScreen } from './testing/fake-screen.ts';
import { widthOf } from './width.ts';

const AT = '2026-01-01T00:00:00.000Z';
const LATER = '2026-01-01T00:00:02.500Z';
const FAILED = jobView({
  attr: 'checks.spelling',
  status: 'failure',
  reason: 'The build of spelling failed with exit code 1.\nand more',
  started_at: AT,
  finished_at: LATER,
});
const JOBS = [
  FAILED,
  jobView({ attr: 'a\u001b[2J漢字', status: 'cached', reason: 'was built before' }),
  jobView({ attr: 'b', status: 'dependency_failed', reason: 'It needs checks.spelling, which failed.' }),
];

test('rows are aligned, and say why only of what is not good', () => {
  expect(formatJobs(JOBS, fakeScreen(undefined))).toBe(
    [
      'failure            checks.spelling  2.5 s  The build of spelling failed with exit code 1.',
      'cached             a漢字',
      'dependency failed  b                       It needs checks.spelling, which failed.',
      '',
    ].join('\n'),
  );
});

test('no row is wider than the terminal', () => {
  for (const columns of [20, 40, 60]) {
    const rows = formatJobs(JOBS, fakeScreen(columns)).split('\n');

    expect(Math.max(...rows.map(widthOf))).toBeLessThan(columns);
  }
});

test('a failure has its whole reason and the end of its log, without the sentence that is the reason', () => {
  const job = { ...FAILED, reason: 'The build of spelling failed with exit code 1.' };
  const lines = [
    '\u001b[31mbad\u001b[0m \u001b[2Jword',
    `builder for '/nix/store/${'0'.repeat(32)}-spelling.drv' failed with exit code 1`,
  ];

  expect(formatFailures([{ job, lines }], fakeScreen(undefined))).toBe(
    [
      'checks.spelling: failure',
      '  The build of spelling failed with exit code 1.',
      '  │ bad word',
      '',
      '',
    ].join('\n'),
  );
});

test('a log keeps its colours where there are any, and never moves the cursor', () => {
  const lines = ['\u001b[31mbad\u001b[0m \u001b[2Jword'];

  expect(formatFailures([{ job: FAILED, lines }], fakeScreen(80, true))).toContain(
    '\u001b[31mbad\u001b[0m word\u001b[0m\n',
  );
});

test('the counts name what there is, in one line', () => {
  const counts = { ...evaluationView({}).counts, total: 3, success: 2, timed_out: 1 };

  expect(formatCounts(counts, fakeScreen(undefined))).toBe('3 jobs: 2 success, 1 timed out');
});
