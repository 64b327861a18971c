import { expect, test } from 'vitest';
import { judgeDisk } from './disk-pause.ts';

const GIB = 2 ** 30;

test.each([
  [2 * GIB, false, null],
  [2 * GIB - 1, false, 'paused'],
  [2.4 * GIB, true, 'paused'],
  [2.5 * GIB, true, null],
])('with %d bytes free, while paused is %s, of 2 GiB: %s', (free, isPaused, verdict) => {
  expect(judgeDisk(free, 2 * GIB, isPaused) === null ? null : 'paused').toBe(verdict);
});

test('the sentence says what there is and what it takes', () => {
  expect(judgeDisk(1.5 * GIB, 2 * GIB, false)).toBe(
    'The disk of the Nix store has 1.5 GiB left; nothing new is begun below 2 GiB.',
  );
});
