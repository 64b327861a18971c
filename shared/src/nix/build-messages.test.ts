import { expect, test } from 'vitest';
import { cleanReason } from './build-messages.ts';

test.each([
  ['; last 2 log lines:\n> a\n> b', ''],
  [';\n       last 10 log lines:\n       > a', ''],
  [' ;  last 1 log lines:', ' '],
  ['.\n       For full logs, run:\n         nix log /nix/store/x.drv', '.'],
  [', and last week', ', and last week'],
])('the log that Nix quotes is no part of its reason: %j', (quoted, rest) => {
  expect(cleanReason(`error: builder for 'x' failed${quoted}`)).toBe(`builder for 'x' failed${rest}`.trim());
});

test.each([' ', '\n', '; ', 'last 1 log lines'])(
  'what a build printed, as Nix quotes it, is cleaned at once however often it says %j',
  (piece) => {
    expect(cleanReason(`error: it failed\n> ${piece.repeat(200_000)}x`).length).toBeLessThanOrEqual(4_000);
  },
);
