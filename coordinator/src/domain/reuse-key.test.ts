import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import { expect, test } from 'vitest';
import { type ReuseFacts, reuseKey } from './reuse-key.ts';

const SHA = 'a'.repeat(40) as Sha;
const FACTS: ReuseFacts = {
  repositoryId: 1 as RepositoryId,
  systems: ['x86_64-linux', 'aarch64-linux'],
  attributes: ['packages', 'checks'],
  allowImportFromDerivation: true,
  allowNetwork: true,
  evaluator: 'built-in',
  nixVersion: '2.8.0',
};

test('the order in which systems and attributes are listed makes no difference, nor does one listed twice', () => {
  const other: ReuseFacts = {
    ...FACTS,
    systems: ['aarch64-linux', 'x86_64-linux', 'aarch64-linux'],
    attributes: ['checks', 'packages'],
  };

  expect(reuseKey(other, 'commit', SHA)).toBe(reuseKey(FACTS, 'commit', SHA));
});

test.each<Partial<ReuseFacts>>([
  { repositoryId: 2 as RepositoryId },
  { systems: ['x86_64-linux'] },
  { attributes: ['packages'] },
  { allowImportFromDerivation: false },
  { allowNetwork: false },
  { evaluator: 'nix-eval-jobs' },
  { nixVersion: '2.26.3' },
  // Lists that run into each other.
  { systems: ['x86_64-linux', 'aarch64-linux', 'packages'], attributes: ['checks'] },
])('with %o it is another', (difference) => {
  expect(reuseKey({ ...FACTS, ...difference }, 'commit', SHA)).not.toBe(reuseKey(FACTS, 'commit', SHA));
});

test('a tree is never taken for a commit, nor one revision for another', () => {
  const keys = [
    reuseKey(FACTS, 'commit', SHA),
    reuseKey(FACTS, 'tree', SHA),
    reuseKey(FACTS, 'commit', 'b'.repeat(40) as Sha),
  ];

  expect(new Set(keys).size).toBe(3);
});
