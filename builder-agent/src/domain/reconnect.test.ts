import { expect, test } from 'vitest';
import { reconnectDelayMs } from './reconnect.ts';

const PACE = { firstMs: 1_000, mostMs: 30_000 };

test.each([
  [0, 0, 500],
  [0, 1, 1_000],
  [3, 1, 8_000],
  [5, 1, 30_000],
  [10_000, 0, 15_000],
])('after %d failures, with chance %d, it waits %d ms', (failures, chance, delayMs) => {
  expect(reconnectDelayMs(PACE, failures, chance)).toBe(delayMs);
});
