import { expect, test } from 'vitest';
import { nixMessage } from './nix-message.ts';

test('of Nix 2.8 the error stays with its place in the flake', () => {
  const said = [
    'trace: of the flake',
    "error: attribute 'x' missing",
    '',
    '       at /nix/store/x-source/flake.nix:10:47:',
    '',
    '            9|     a',
    '             |     ^',
    "(use '--show-trace' to show detailed location information)",
  ];

  expect(nixMessage(said)).toBe(
    "attribute 'x' missing\n\nat /nix/store/x-source/flake.nix:10:47:\n\n     9|     a\n      |     ^",
  );
});

test('places in our own expression are left out', () => {
  const said = [
    "error: attribute 'x' missing",
    '',
    '       at «string»:1:3447:',
    '',
    '            1| ours',
    '             | ^',
  ];

  expect(nixMessage(said)).toBe("attribute 'x' missing");
});

test('of newer versions only the last error stays, not what Nix was doing', () => {
  const said = [
    'error:',
    "       … while calling the 'seq' builtin",
    '         at «string»:1:6745:',
    '            1| ours',
    '             | ^',
    '',
    "       (stack trace truncated; use '--show-trace' to show the full, detailed trace)",
    '',
    "       error: evaluation aborted with the following error message: 'gone'",
  ];

  expect(nixMessage(said)).toBe("evaluation aborted with the following error message: 'gone'");
});

test('where git failed, git’s own reason is added', () => {
  const said = [
    "fatal: unable to access 'http://x/': Could not resolve host: x",
    "error: program 'git' failed with exit code 128",
  ];

  expect(nixMessage(said)).toBe(
    "program 'git' failed with exit code 128\nfatal: unable to access 'http://x/': Could not resolve host: x",
  );
});

test('a message without end is cut in its middle', () => {
  const message = nixMessage([`error: ${'x'.repeat(100_000)}end`]);

  expect(message.length).toBeLessThan(8_200);
  expect(message).toMatch(/^x+\n\[… \d+ characters left out …\]\nx+end$/);
});

test('without an error there is no message', () => {
  expect(nixMessage(['warning: something', 'trace: error: not at the start'])).toBe('');
});
