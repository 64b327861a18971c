import { expect, test } from 'vitest';
import { nativeSystems } from './native-systems.ts';

test.each([
  ['x86_64-linux', 'i686-linux', true],
  ['x86_64-linux', 'x86_64-v1-linux', true],
  ['x86_64-linux', 'x86_64-v4-linux', true],
  ['x86_64-linux', 'aarch64-linux', false],
  ['aarch64-linux', 'armv7l-linux', true],
  ['aarch64-linux', 'armv6l-linux', true],
  ['aarch64-linux', 'x86_64-linux', false],
  ['aarch64-darwin', 'x86_64-darwin', false],
  ['i686-linux', 'x86_64-linux', false],
  ['riscv64-linux', 'riscv64-linux', true],
])('a processor of %s runs %s itself: %s', (system, other, isNative) => {
  expect(nativeSystems(system).includes(other)).toBe(isNative);
  expect(nativeSystems(system)[0]).toBe(system);
});
