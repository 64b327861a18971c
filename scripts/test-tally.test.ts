import { expect, it } from 'vitest';
import { closingLine, judgeTally } from './test-tally.ts';

const GOOD = { passed: 3, failed: 0, skipped: [] };

it('takes a good run as it is', () => {
  expect(judgeTally(GOOD, 0)).toEqual({ tally: GOOD, trouble: undefined });
});

it.each([
  ['a crash without results', undefined, 1],
  ['an end by a signal', undefined, null],
  ['a run without tests', { passed: 0, failed: 0, skipped: [] }, 0],
  ['good tests with a bad exit code', GOOD, 1],
])('counts %s as a failure', (_, tally, exitCode) => {
  const judged = judgeTally(tally, exitCode);

  expect(judged.tally.failed).toBe(1);
  expect(judged.trouble).toBeDefined();
});

it('does not count a failed test twice for the exit code it causes', () => {
  expect(judgeTally({ passed: 3, failed: 1, skipped: [] }, 1).tally.failed).toBe(1);
});

it('closes with one line that names skips only when there are some', () => {
  expect(closingLine(12, 0, 0)).toBe('12 passed, 0 failed');
  expect(closingLine(12, 1, 2)).toBe('12 passed, 1 failed, 2 skipped');
});
