import { type DerivationPath, storePathName } from '@argunix/shared/domain/store-path';
import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';
import type { GcRoots } from '../../src/ports/gc-roots.ts';
import type { StoreReader } from '../../src/ports/store-reader.ts';

/** A Nix store in memory: what is valid, and what needs what, is what the test puts in. */
export interface FakeStore extends StoreReader, DerivationReader {
  readonly valid: Set<string>;
  readonly inputs: Map<DerivationPath, readonly DerivationPath[]>;
  readonly fixedOutputs: Set<DerivationPath>;
  readonly features: Map<DerivationPath, readonly string[]>;
}

export function createFakeStore(): FakeStore {
  const valid = new Set<string>();
  const inputs = new Map<DerivationPath, readonly DerivationPath[]>();
  const fixedOutputs = new Set<DerivationPath>();
  const features = new Map<DerivationPath, readonly string[]>();
  return {
    valid,
    inputs,
    features,
    fixedOutputs,
    validPaths: (paths) => Promise.resolve(new Set(paths.filter((path) => valid.has(path)))),
    inputDerivations: (drvPath) => Promise.resolve(inputs.get(drvPath) ?? []),
    details: (drvPath) =>
      Promise.resolve({
        name: storePathName(drvPath),
        outputs: {},
        isFixedOutput: fixedOutputs.has(drvPath),
        system: 'x86_64-linux',
        requiredFeatures: features.get(drvPath) ?? [],
        inputDerivations: inputs.get(drvPath) ?? [],
      }),
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
