import { expect, test } from 'vitest';
import { reportDelayMs } from './report-pace.ts';

function reports(totalMs: number, isCollapsed: boolean): number {
  let count = 0;
  for (let ageMs = 0; ageMs < totalMs; count += 1) {
    ageMs += reportDelayMs({ isEnded: false, isCollapsed, ageMs });
  }
  return count;
}

test.each([
  ['a minute', 60_000, 15],
  ['an hour', 3_600_000, 38],
  ['a day', 86_400_000, 55],
])('a large evaluation that takes %s is told often at first, and seldom then', (_, totalMs, most) => {
  expect(reports(totalMs, true)).toBeLessThanOrEqual(most);
});

test('one whose jobs have lines of their own is told each second at the most', () => {
  expect(reports(60_000, false)).toBe(60);
});

test('an end is told at once', () => {
  expect(reportDelayMs({ isEnded: true, isCollapsed: true, ageMs: 86_400_000 })).toBe(0);
});

test('a clock that was put back makes nobody wait', () => {
  expect(reportDelayMs({ isEnded: false, isCollapsed: true, ageMs: -5_000 })).toBe(2_000);
});
