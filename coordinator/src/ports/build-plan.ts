import type { DerivationPath } from '@argunix/shared/domain/store-path';

export type PlannedBuilds =
  | {
      readonly kind: 'known';
      /** All that would be built, derivations that nobody asked for by name included. */
      readonly toBuild: ReadonlySet<DerivationPath>;
      /** Store paths that would come from a binary cache. */
      readonly toFetch: ReadonlySet<string>;
    }
  /** Nix did not say, or not in time. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface BuildPlan {
  /**
   * What building these would mean now, with this host's store and its substituters. A derivation that is gone is in
   * neither set. Takes as long as the substituters take, up to a deadline. Never throws; after `signal` aborts it is
   * unknown. Callers may be concurrent.
   */
  plan(drvPaths: readonly DerivationPath[], signal: AbortSignal): Promise<PlannedBuilds>;
}
