import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import type { JobStatus } from '@argunix/shared/domain/job-status';

export interface CheckedJob {
  readonly id: JobId;
  readonly attr: string;
  readonly status: JobStatus;
  readonly reason: string | null;
  readonly startedAt: EpochMs | null;
  readonly finishedAt: EpochMs | null;
}

/** The jobs of an evaluation, as far as their forge is told of them. */
export interface CheckJobs {
  /** In the order of their attributes. */
  all(evaluationId: EvaluationId, limit: number): readonly CheckedJob[];
  /** Those that did not end well, failures before what failed by them; what was cancelled is no news. */
  bad(evaluationId: EvaluationId, limit: number): readonly CheckedJob[];
}
