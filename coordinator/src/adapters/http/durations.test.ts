import { expect, test } from 'vitest';
import { formatIn } from './durations.ts';

test.each([
  [0, 'now'],
  [-5_000, 'now'],
  [900, 'in 1 s'],
  [59_000, 'in 59 s'],
  [61_000, 'in 2 min'],
  [3_600_000, 'in 1 h'],
  [90_000_000, 'in 2 d'],
])('%i ms ahead is %s, never less than it takes', (ms, said) => {
  expect(formatIn(1_000_000 + ms, 1_000_000)).toBe(said);
});
