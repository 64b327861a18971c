import { expect, test } from 'vitest';
import { isAtLeast, parseNixVersion } from './nix-version.ts';

test.each([
  ['nix (Nix) 2.8.0\n', '2.8.0', 2, 8],
  ['nix (Nix) 2.26.3', '2.26.3', 2, 26],
  ['nix-store (Nix) 2.19.0pre20231212_9a8c3bb', '2.19.0pre20231212_9a8c3bb', 2, 19],
  ['nix (Lix, like Nix) 2.91.0\nSystem type: x86_64-linux', '2.91.0', 2, 91],
  ['nix (Determinate Nix 3.4.2) 2.28.3', '2.28.3', 2, 28],
  ['warning: unknown setting\nnix (Nix) 2.34.8', '2.34.8', 2, 34],
])('%j is %s', (output, text, major, minor) => {
  expect(parseNixVersion(output)).toEqual({ text, major, minor });
});

test.each(['', 'nix', '2.8', 'nix (Nix) two', 'nix (Nix) 2', `(${'9'.repeat(100_000)}`])(
  '%#: what is no version is refused',
  (output) => {
    expect(parseNixVersion(output)).toBeUndefined();
  },
);

test('minors are numbers, not text', () => {
  const version = { text: '2.8.0', major: 2, minor: 8 };

  expect(isAtLeast(version, 2, 8)).toBe(true);
  expect(isAtLeast(version, 2, 26)).toBe(false);
  expect(isAtLeast({ ...version, major: 3, minor: 0 }, 2, 26)).toBe(true);
});
