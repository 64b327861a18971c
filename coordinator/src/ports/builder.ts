import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { LogLine } from '@argunix/shared/domain/log-line';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { BuilderOffer } from '../domain/builder-offer.ts';

export interface BuildRequest {
  readonly leaseId: LeaseId;
  readonly drvPath: DerivationPath;
}

export interface BuildLimits {
  readonly timeoutMs: number;
  readonly maxSilentMs: number;
  /** A build that prints more is ended. */
  readonly maxLogBytes: number;
}

export interface BuildObserver {
  /** Its own builder began; not called for what is substituted. */
  started(leaseId: LeaseId): void;
  lines(leaseId: LeaseId, lines: readonly Omit<LogLine, 'atMs'>[]): void;
  /** Exactly once for each lease, after its last line. */
  ended(leaseId: LeaseId, ending: BuildEnding): void;
}

export interface Builder {
  readonly name: string;
  readonly offer: BuilderOffer;
  readonly nixVersion: string;
  /**
   * Builds all of `requests` in one go, at most `slots` at a time, with outputs that are rooted before. One that needs
   * another of them waits for it. More requests than slots are short work that shares processes: what would have to
   * wait for a long one of them ends as `returned`, soon. Callers may be concurrent. Never throws: trouble is an ending.
   * Resolves when every lease has ended and every process of it is gone.
   */
  build(
    requests: readonly BuildRequest[],
    slots: number,
    limits: BuildLimits,
    observer: BuildObserver,
    signal: AbortSignal,
  ): Promise<void>;
  /** Ends this one as `cancelled` and none of the others; nothing when it has ended, or is not of this builder. */
  cancel(leaseId: LeaseId): void;
}
