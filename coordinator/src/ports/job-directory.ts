import type { JobRef, RepositoryRef } from '@argunix/shared/control-api/views';
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { JobId, LeaseId, RepositoryId } from '@argunix/shared/domain/ids';
import type { JobStatus } from '@argunix/shared/domain/job-status';
import type { DerivationPath } from '@argunix/shared/domain/store-path';

/** A job as the queue speaks of it: whose it is, where its page is, and which builders can take it. */
export interface ListedJob {
  readonly ref: JobRef;
  readonly drvPath: string | null;
  readonly status: JobStatus;
  readonly requiredFeatures: readonly string[];
  readonly isTrusted: boolean;
}

export interface ListedLease {
  readonly drvPath: DerivationPath;
  readonly builder: string;
  readonly startedAt: EpochMs | null;
  readonly endedAt: EpochMs | null;
}

/** Turns the ids of the queue into what can be shown and judged. Ids that name nothing are left out. */
export interface JobDirectory {
  repositories(): ReadonlyMap<RepositoryId, RepositoryRef>;
  jobs(ids: readonly JobId[]): ReadonlyMap<JobId, ListedJob>;
  lease(leaseId: LeaseId): ListedLease | undefined;
  /** Jobs whose log is that of this lease, the oldest first, some thousand at most. */
  jobsOfLease(leaseId: LeaseId): readonly ListedJob[];
}
