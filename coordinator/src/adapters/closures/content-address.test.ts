import { outputOf } from '@argunix/shared/kit/run-process';
import { installedNixes } from '@argunix/shared/nix/testing/real-nix';
import { expect, test } from 'vitest';
import { contentAddressOf } from './content-address.ts';

const HEX = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

test('a content address is written as Nix writes it', async () => {
  const [nix] = installedNixes();
  const said = await outputOf({
    command: 'nix-hash',
    args: ['--type', 'sha256', '--to-base32', HEX],
    env: nix?.env ?? {},
    deadlineMs: 9_000,
  });

  expect(contentAddressOf('sha256', HEX)).toBe(`fixed:sha256:${said.trim()}`);
  expect(contentAddressOf('r:sha256', HEX)).toBe(`fixed:r:sha256:${said.trim()}`);
});

test.each([
  ['an unknown algorithm', 'r:md4', HEX],
  ['a hash of another length', 'sha1', HEX],
  ['a hash that is not hexadecimal', 'sha256', HEX.replace('b', 'x')],
])('%s has no content address', (_, algorithm, hash) => {
  expect(contentAddressOf(algorithm, hash)).toBeUndefined();
});
