import type { DerivationPath } from './store-path.ts';

/** How the build of one derivation ended. Only `failed`, `dependency_failed` and `timed_out` are the work's own fault. */
export type BuildEnding =
  /** The builder ran and its outputs are valid. */
  | { readonly kind: 'built' }
  /** The outputs were there or came from a cache: nothing was built. */
  | { readonly kind: 'substituted' }
  | { readonly kind: 'failed'; readonly reason: string }
  /** Another derivation that this one needs failed. */
  | { readonly kind: 'dependency_failed'; readonly reason: string; readonly drvPath: DerivationPath | null }
  | { readonly kind: 'timed_out'; readonly reason: string }
  /** This host can never build it, or something it needs: another system, or a feature it lacks. */
  | { readonly kind: 'unsupported'; readonly reason: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'infrastructure'; readonly reason: string };
