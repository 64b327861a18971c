import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('each wait is twice as long as the one before, and none is longer than the limit', () => {
  expect([1, 2, 3, 4, 5].map((troubles) => backoffMs(5_000, troubles, 30_000))).toEqual([
    5_000, 10_000, 20_000, 30_000, 30_000,
  ]);
});

test('a wait after thousands of troubles is still a number that a timer takes', () => {
  expect(backoffMs(5_000, 100_000, 300_000)).toBe(300_000);
});
