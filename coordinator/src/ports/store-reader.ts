import type { DerivationPath } from '@argunix/shared/domain/store-path';

/** Questions to the Nix store of this host. */
export interface StoreReader {
  /** Those of `storePaths` that are valid; each is held from the collector until its caller's root is seen. */
  validPaths(storePaths: readonly string[]): Promise<ReadonlySet<string>>;
  /** The derivations that each of these needs directly; empty for one that is gone. */
  inputDerivations(drvPath: DerivationPath): Promise<readonly DerivationPath[]>;
}
