import { expect, test } from 'vitest';
import { chooseCompression } from './choose-compression.ts';

test.each([
  ['a link of which nothing is known', {}, 'none'],
  ['a fast link', { bytesPerSecond: 110e6, roundTripMs: 1 }, 'none'],
  ['a fast link to far away', { bytesPerSecond: 90e6, roundTripMs: 40 }, 'none'],
  ['a slow link', { bytesPerSecond: 5e6 }, 'zstd'],
  ['a far one that was not measured', { roundTripMs: 40 }, 'zstd'],
  ['a near one that was not measured', { roundTripMs: 1 }, 'none'],
] as const)('%s, %o: %s', (_, hint, compression) => {
  expect(chooseCompression(hint)).toBe(compression);
});
