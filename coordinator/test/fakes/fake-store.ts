import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { GcRoots } from '../../src/ports/gc-roots.ts';
import type { StoreReader } from '../../src/ports/store-reader.ts';

/** A Nix store in memory: what is valid, and what needs what, is what the test puts in. */
export interface FakeStore extends StoreReader {
  readonly valid: Set<string>;
  readonly inputs: Map<DerivationPath, readonly DerivationPath[]>;
}

export function createFakeStore(): FakeStore {
  const valid = new Set<string>();
  const inputs = new Map<DerivationPath, readonly DerivationPath[]>();
  return {
    valid,
    inputs,
    validPaths: (paths) => Promise.resolve(new Set(paths.filter((path) => valid.has(path)))),
    inputDerivations: (drvPath) => Promise.resolve(inputs.get(drvPath) ?? []),
  };
}

export interface FakeRoots extends GcRoots {
  readonly owners: Map<string, Set<string>>;
}

export function createFakeRoots(): FakeRoots {
  const owners = new Map<string, Set<string>>();
  return {
    owners,
    add: (owner, paths) => {
      owners.set(owner, new Set([...(owners.get(owner) ?? []), ...paths]));
      return Promise.resolve();
    },
    remove: (owner) => {
      owners.delete(owner);
      return Promise.resolve();
    },
    sweep: (isLiving) => {
      for (const owner of [...owners.keys()].filter((one) => !isLiving(one))) {
        owners.delete(owner);
      }
      return Promise.resolve();
    },
  };
}
