import { expect, test } from 'vitest';
import { requestFor } from '../../../test/real-evaluation.ts';
import { explained, judgeFailure } from './judge-failure.ts';

const on = requestFor({ kind: 'reference', reference: '.' }, { allowNetwork: true });
const off = requestFor({ kind: 'reference', reference: '.' });
const open = { importRefusal: undefined };

test('a daemon that is gone and a full disk are the host’s fault', () => {
  for (const message of [
    "cannot connect to socket at '/run/socket': Connection refused",
    'writing to file: No space left on device',
    'Nix daemon disconnected unexpectedly',
  ]) {
    expect(judgeFailure(message, off, open)).toEqual({ kind: 'infrastructure', reason: message });
  }
});

test('a host that does not answer may answer later; with the network off it never will', () => {
  const message =
    "unable to download 'https://x': Couldn't resolve host name (6)\nfatal: Could not resolve host: x";

  expect(judgeFailure(message, on, open).kind).toBe('infrastructure');
  expect(judgeFailure(message, off, open)).toEqual({
    kind: 'failed',
    reason: `${message}\nThe network is off for evaluations (eval.allow_network).`,
  });
});

test('everything else is the flake’s', () => {
  expect(judgeFailure('syntax error, unexpected end of file', on, open).kind).toBe('failed');
  expect(judgeFailure("unable to download 'https://x': HTTP error 404", on, open).kind).toBe('failed');
});

test('an import that this host refuses says why it does', () => {
  const message =
    "cannot build '/nix/store/x.drv' because the option 'allow-import-from-derivation' is disabled";

  expect(explained(message, on, { importRefusal: 'There is no sandbox.' })).toBe(
    `${message}\nThere is no sandbox.`,
  );
  expect(explained(message, on, open)).toBe(message);
});
