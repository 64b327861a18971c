import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { LeaseId, RepositoryId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { JobAttempt } from '../domain/job-attempt.ts';
import type { Direction } from './builder.ts';

export interface ActiveLease {
  readonly id: LeaseId;
  readonly drvPath: DerivationPath;
  readonly builder: string;
  readonly createdAt: EpochMs;
  /** When its builder began; null while it has not. */
  readonly startedAt: EpochMs | null;
}

/**
 * Dispatches of steps. A lease is active until it is settled (by the job store), given up or lost; on one derivation
 * never two are. No jobs at all are as good as some: a step may be one that only others need.
 */
export interface LeaseStore {
  /**
   * Claims a derivation for a builder on behalf of these jobs, at the expense of `chargedTo`; undefined while another
   * lease on it is active.
   */
  lease(
    drvPath: DerivationPath,
    builder: string,
    jobs: readonly JobAttempt[],
    chargedTo: RepositoryId | null,
    at: EpochMs,
  ): Promise<LeaseId | undefined>;
  /** More jobs for an active lease: its build is theirs too. Running ones since `startedAt`, where it is given. */
  join(jobs: readonly JobAttempt[], lease: LeaseId, startedAt: EpochMs | null): Promise<void>;
  /** Its builder began: queued → running, phase build, for each of these jobs that still is at this attempt. */
  begin(jobs: readonly JobAttempt[], lease: LeaseId, at: EpochMs): Promise<void>;
  /** Its closure is on its way, there or back: queued → running, this phase, for each of these at this attempt. */
  carry(jobs: readonly JobAttempt[], lease: LeaseId, phase: Direction, at: EpochMs): Promise<void>;
  /**
   * The lease ends, and these jobs are queued again at the same attempt. What was `returned` was not begun: then they
   * have no lease any more.
   */
  requeue(
    jobs: readonly JobAttempt[],
    lease: LeaseId,
    ending: 'returned' | 'cancelled' | 'infrastructure',
    at: EpochMs,
  ): Promise<void>;
  /** Every active lease of these builders is lost, its jobs are queued again. Returns how many leases. */
  loseLeases(at: EpochMs, builders: readonly string[] | 'all'): Promise<number>;
  /** As `loseLeases`, for one; the jobs that are queued again. Nothing when it is not active. */
  loseLease(id: LeaseId, at: EpochMs, ending: string): Promise<readonly JobAttempt[]>;
  /** In the order in which they were made. */
  activeLeases(): readonly ActiveLease[];
  /** For how long builders built at the expense of each repository, in leases that ended since. */
  recentUse(since: EpochMs): ReadonlyMap<RepositoryId, number>;
}
