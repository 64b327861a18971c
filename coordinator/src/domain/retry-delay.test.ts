import { expect, test } from 'vitest';
import { lookDelayMs } from './look-delay.ts';
import { retryDelayMs } from './retry-delay.ts';

test('each wait is twice as long as the one before', () => {
  expect([1, 2, 3].map((failures) => retryDelayMs(5_000, failures))).toEqual([5_000, 10_000, 20_000]);
});

test('a wait after thousands of troubles is an hour, not a number that no timer takes', () => {
  expect(retryDelayMs(5_000, 100_000)).toBe(3_600_000);
});

test('a repository that is looked at once a day is not looked at each hour because it is in trouble', () => {
  expect(lookDelayMs(86_400_000, 3)).toBe(86_400_000);
  expect([0, 1, 9].map((troubles) => lookDelayMs(60_000, troubles))).toEqual([60_000, 120_000, 3_600_000]);
});
