import type { DerivationPath } from '@argunix/shared/domain/store-path';

/** What a derivation says about itself, for one that no job describes. */
export interface DerivationDetails {
  readonly name: string;
  readonly system: string;
  readonly requiredFeatures: readonly string[];
  readonly inputDerivations: readonly DerivationPath[];
  /** By name; null where the path is known only after the build. */
  readonly outputs: Readonly<Record<string, string | null>>;
  /** Its outputs are known by their hash: it may use the network, so that a failure may be the network's. */
  readonly isFixedOutput: boolean;
}

/** Reads derivations of this host's store. Callers may be concurrent; what was read lately is remembered. */
export interface DerivationReader {
  /** Empty for one that is gone or is no derivation. */
  inputDerivations(drvPath: DerivationPath): Promise<readonly DerivationPath[]>;
  /** Undefined for one that is gone or is no derivation. */
  details(drvPath: DerivationPath): Promise<DerivationDetails | undefined>;
}
