import type { DerivationPath } from './store-path.ts';

/** How the build of one derivation ended. Only `failed`, `dependency_failed`, `timed_out` and `over_limit` are the work's own fault. */
export type BuildEnding =
  /** The builder ran and its outputs are valid. */
  | { readonly kind: 'built' }
  /** The outputs were there or came from a cache: nothing was built. */
  | { readonly kind: 'substituted' }
  /** `exitCode` is that of the build script, when it is what failed: such a failure will come again. */
  | { readonly kind: 'failed'; readonly reason: string; readonly exitCode: number | null }
  /** Another derivation that this one needs failed. */
  | { readonly kind: 'dependency_failed'; readonly reason: string; readonly drvPath: DerivationPath | null }
  | { readonly kind: 'timed_out'; readonly reason: string }
  /** It printed or took more than is allowed. */
  | { readonly kind: 'over_limit'; readonly reason: string }
  /** This host can never build it, or something it needs: another system, or a feature it lacks. */
  | { readonly kind: 'unsupported'; readonly reason: string }
  | { readonly kind: 'cancelled' }
  /** It was not begun, because it would have waited for another: somebody else may have it. */
  | { readonly kind: 'returned' }
  | { readonly kind: 'infrastructure'; readonly reason: string };
