import type { LeaseId } from '@argunix/shared/domain/ids';
import type { LogLine } from '@argunix/shared/domain/log-line';
import type { DerivationPath } from '@argunix/shared/domain/store-path';

export interface BuildRequest {
  readonly leaseId: LeaseId;
  readonly drvPath: DerivationPath;
  /** Ends this one alone; the others of the batch go on, or end as `cancelled` too and are asked for again. */
  readonly signal: AbortSignal;
}

export interface BuildLimits {
  readonly timeoutMs: number;
  readonly maxSilentMs: number;
}

export type BuildEnding =
  /** The builder ran and its outputs are valid. */
  | { readonly kind: 'built' }
  /** The outputs were there or came from a cache: nothing was built. */
  | { readonly kind: 'substituted' }
  | { readonly kind: 'failed'; readonly reason: string }
  /** Another derivation that this one needs failed. */
  | { readonly kind: 'dependency_failed'; readonly reason: string; readonly drvPath: DerivationPath | null }
  | { readonly kind: 'timed_out'; readonly reason: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'infrastructure'; readonly reason: string };

export interface BuildObserver {
  /** Its own builder began; not called for what is substituted. */
  started(leaseId: LeaseId): void;
  lines(leaseId: LeaseId, lines: readonly Omit<LogLine, 'atMs'>[]): void;
  /** Exactly once for each lease, after its last line. */
  ended(leaseId: LeaseId, ending: BuildEnding): void;
}

export interface Builder {
  readonly name: string;
  readonly systems: readonly string[];
  readonly features: readonly string[];
  readonly isSandboxed: boolean;
  readonly nixVersion: string;
  /** How many derivations it builds at a time. */
  readonly slots: number;
  /**
   * Builds all of `requests` in one go, at most `slots` at a time. Never throws: trouble is an ending.
   * Resolves when every lease has ended and every process of it is gone.
   */
  build(
    requests: readonly BuildRequest[],
    slots: number,
    limits: BuildLimits,
    observer: BuildObserver,
    signal: AbortSignal,
  ): Promise<void>;
}
