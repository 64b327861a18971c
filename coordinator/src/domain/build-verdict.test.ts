import { expect, test } from 'vitest';
import { failureSentence } from './build-verdict.ts';

const own = `/nix/store/${'0'.repeat(32)}-app-1.2.drv`;
const other = `/nix/store/${'1'.repeat(32)}-lib.drv`;

test.each([
  [`builder for '${own}' failed with exit code 3`, 'Its builder failed with exit code 3'],
  [`builder for '${other}' failed with exit code 1`, 'builder for lib failed with exit code 1'],
  [`hash mismatch in fixed-output derivation '${own}'`, 'hash mismatch in fixed-output derivation app-1.2'],
  ['something else', 'something else'],
])('%s is told as %s', (reason, sentence) => {
  expect(failureSentence(reason, own)).toBe(sentence);
});
