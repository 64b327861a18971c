import { expect, test } from 'vitest';
import { readableReason } from './readable-reason.ts';

const DRV = `/nix/store/${'0'.repeat(32)}-hello-2.12.drv`;

test.each([
  [`builder for '${DRV}' failed with exit code 1`, 'The build of hello-2.12 failed with exit code 1.'],
  [
    `builder for '${DRV}' failed due to signal 6 (Aborted)`,
    'The build of hello-2.12 failed due to signal 6 (Aborted).',
  ],
  [
    `Cannot build '${DRV}'.\nReason: builder failed with exit code 2.\nOutput paths:\n/nix/store/x`,
    'The build of hello-2.12 failed with exit code 2.',
  ],
  [
    `a 'x86_64-linux' with features {kvm, quantum} is required to build '${DRV}', but I am a 'x86_64-linux' with features {benchmark, kvm}`,
    'hello-2.12 needs a builder with the feature quantum; this one has benchmark, kvm.',
  ],
  [
    `Cannot build '${DRV}'.\nReason: required system or feature not available\nRequired system: 'aarch64-linux' with features {}\nCurrent system: 'x86_64-linux' with features {kvm}`,
    'hello-2.12 needs a builder of the system aarch64-linux; this one is x86_64-linux.',
  ],
  [
    `hash mismatch in fixed-output derivation '${DRV}':\n  specified: sha256-A\n  got: sha256-B`,
    'hash mismatch in fixed-output derivation hello-2.12:\n  specified: sha256-A\n  got: sha256-B',
  ],
  ['nix-store ended with code 1', 'nix-store ended with code 1'],
])('%j reads as %j', (said, shown) => {
  expect(readableReason(said)).toBe(shown);
});
