import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId, LeaseId } from '@argunix/shared/domain/ids';
import type { JobEnding, JobStatus } from '@argunix/shared/domain/job-status';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { JobAttempt } from '../domain/job-attempt.ts';

export interface NewJob {
  readonly attr: string;
  readonly system: string;
  readonly name: string;
  /** Null for an attribute that did not evaluate. */
  readonly drvPath: DerivationPath | null;
  readonly outputs: Readonly<Record<string, string | null>>;
  readonly requiredFeatures: readonly string[];
  readonly description: string | null;
  readonly mainProgram: string | null;
  /** Where it starts: queued, or at its end when there is nothing to build. */
  readonly status: Extract<JobStatus, 'queued' | 'cached' | 'failure'>;
  readonly reason: string | null;
}

export interface StoredJob {
  readonly id: JobId;
  readonly evaluationId: EvaluationId;
  readonly attr: string;
  readonly system: string;
  readonly drvPath: DerivationPath | null;
  readonly outputs: Readonly<Record<string, string | null>>;
  readonly requiredFeatures: readonly string[];
  readonly status: JobStatus;
  readonly attempt: number;
  readonly leaseId: LeaseId | null;
}

export interface Settlement extends JobAttempt {
  readonly status: JobEnding;
  readonly reason: string | null;
  readonly causeJobId: JobId | null;
}

export interface RestartableJob {
  readonly id: JobId;
  readonly drvPath: DerivationPath;
}

export interface JobStore {
  find(id: JobId): StoredJob | undefined;
  /** Those of an evaluation that have not ended, in the order of their attributes: the next `limit` after `after`. */
  unfinished(
    evaluationId: EvaluationId,
    page: { readonly after: string | null; readonly limit: number },
  ): readonly StoredJob[];
  /** The present attempts of all of them. */
  unfinishedAttempts(evaluationId: EvaluationId): ReadonlyMap<JobId, number>;
  /** Quick, whatever the number of jobs. */
  hasUnfinished(evaluationId: EvaluationId): boolean;
  /** Nothing happens, and false comes back, when the evaluation is not `evaluating` (any more). */
  insert(evaluationId: EvaluationId, jobs: readonly NewJob[], at: EpochMs): Promise<boolean>;
  /** Claims a derivation for a builder on behalf of these jobs; undefined while another lease on it is active. */
  lease(
    drvPath: DerivationPath,
    builder: string,
    jobs: readonly JobAttempt[],
    at: EpochMs,
  ): Promise<LeaseId | undefined>;
  /** More jobs for an active lease: its build is theirs too. Running ones since `startedAt`, where it is given. */
  join(jobs: readonly JobAttempt[], lease: LeaseId, startedAt: EpochMs | null): Promise<void>;
  /** queued → running, phase build, for each that still is at this attempt. */
  begin(jobs: readonly JobAttempt[], at: EpochMs): Promise<void>;
  /** Ends the lease, and these jobs where they have not ended: the first end of an attempt wins. Returns those it ended. */
  settle(
    settlements: readonly Settlement[],
    lease: { readonly id: LeaseId; readonly ending: string } | null,
    at: EpochMs,
  ): Promise<readonly JobId[]>;
  /** running → queued at the same attempt, its lease lost: infrastructure was at fault. */
  requeue(jobs: readonly JobAttempt[], lease: LeaseId, at: EpochMs): Promise<void>;
  /** At start: every lease that was active is lost, its jobs are queued again. Returns how many. */
  loseLeases(at: EpochMs): Promise<number>;
  /**
   * A new attempt of ended jobs of one evaluation, which goes from done back to building. Empty when none of them had
   * ended or when the evaluation has another end than done, or is being dropped for a newer one.
   */
  restart(evaluationId: EvaluationId, jobIds: readonly JobId[], at: EpochMs): Promise<readonly JobId[]>;
  /** What a restart of this job takes with it: its cause, and what failed by either. */
  restartSet(id: JobId): readonly RestartableJob[];
  /** Those of an evaluation that ended, have a derivation and not its outputs. */
  failed(evaluationId: EvaluationId): readonly RestartableJob[];
  /** Somebody wants these first; of no effect on what has ended. Returns how many it holds for. */
  bump(ids: readonly JobId[], at: EpochMs): Promise<number>;
}
