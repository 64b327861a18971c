/** What is asked of whoever builds, and what they tell while they do. */
import type { BuildEnding } from './build-ending.ts';
import type { LeaseId } from './ids.ts';
import type { LogLine } from './log-line.ts';
import type { DerivationPath } from './store-path.ts';

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
  /** Asked after lines were told. A promise: no more of its output is read before that resolves, so that it waits. */
  room?(leaseId: LeaseId): Promise<void> | undefined;
  /** Exactly once for each lease, after its last line. */
  ended(leaseId: LeaseId, ending: BuildEnding): void;
}
