import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId, LeaseId } from '@argunix/shared/domain/ids';
import type { JobEnding, JobStatus } from '@argunix/shared/domain/job-status';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { JobAttempt } from '../domain/job-attempt.ts';
import type { BuildTime } from './build-history.ts';
import type { Carried } from './builder.ts';
import type { LeaseStore } from './lease-store.ts';

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
  readonly name: string;
  readonly drvPath: DerivationPath | null;
  readonly outputs: Readonly<Record<string, string | null>>;
  readonly requiredFeatures: readonly string[];
  readonly status: JobStatus;
  readonly attempt: number;
  readonly leaseId: LeaseId | null;
  /** When somebody last asked that it be first. */
  readonly bumpedAt: EpochMs | null;
}

export interface Settlement extends JobAttempt {
  readonly status: JobEnding;
  readonly reason: string | null;
  readonly causeJobId: JobId | null;
  /** The job whose failure, not long ago, stands for this one. */
  readonly earlierJobId?: JobId | null;
  /** Whose log tells why, where that is not the lease it has: a step that nobody asked for by name failed. */
  readonly leaseId?: LeaseId;
}

export interface RestartableJob {
  readonly id: JobId;
  readonly drvPath: DerivationPath;
}

export interface EndedLease {
  readonly id: LeaseId;
  readonly ending: string;
  /** What carrying closures took, for a builder elsewhere. */
  readonly push?: Carried | null;
  readonly pull?: Carried | null;
  /** It failed in a way that will come again. `jobId`: one that it was built for. */
  readonly failedBuild?: {
    readonly drvPath: DerivationPath;
    readonly isTrusted: boolean;
    readonly reason: string;
    readonly jobId: JobId | null;
  } | null;
  /** It was built. `name`: that of the derivation. */
  readonly built?: BuildTime | null;
}

export interface JobStore extends LeaseStore {
  find(id: JobId): StoredJob | undefined;
  /** Those of an evaluation that have not ended, in the order of their attributes: the next `limit` after `after`. */
  unfinished(
    evaluationId: EvaluationId,
    page: { readonly after: string | null; readonly limit: number },
  ): readonly StoredJob[];
  /** The present attempts of all of them. */
  unfinishedAttempts(evaluationId: EvaluationId): ReadonlyMap<JobId, number>;
  /** Those of these attempts that are the present ones and have not ended. */
  stillUnfinished(jobs: readonly JobAttempt[]): ReadonlySet<JobId>;
  /** Quick, whatever the number of jobs. */
  hasUnfinished(evaluationId: EvaluationId): boolean;
  /** Nothing happens, and false comes back, when the evaluation is not `evaluating` (any more). */
  insert(evaluationId: EvaluationId, jobs: readonly NewJob[], at: EpochMs): Promise<boolean>;
  /**
   * Ends the lease, and these jobs where they have not ended: the first end of an attempt wins. What the queue remembers
   * of the build is in the same transaction. Returns those it ended.
   */
  settle(
    settlements: readonly Settlement[],
    lease: EndedLease | null,
    at: EpochMs,
  ): Promise<readonly JobId[]>;
  /** These want to be first; the newest wish is the first of all. Returns how many of them have not ended. */
  bump(ids: readonly JobId[], at: EpochMs): Promise<number>;
  /**
   * A new attempt of ended jobs of one evaluation, which goes from done back to building. Empty when none of them had
   * ended or when the evaluation has another end than done, or is being dropped for a newer one. What is remembered of
   * their failures is forgotten.
   */
  restart(evaluationId: EvaluationId, jobIds: readonly JobId[], at: EpochMs): Promise<readonly JobId[]>;
  /** What a restart of this job takes with it: its cause, and what failed by either. */
  restartSet(id: JobId): readonly RestartableJob[];
  /** Those of an evaluation that ended, have a derivation and not its outputs. */
  failed(evaluationId: EvaluationId): readonly RestartableJob[];
}
