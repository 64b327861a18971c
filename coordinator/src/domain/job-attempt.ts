import type { JobId } from '@argunix/shared/domain/ids';

/** One attempt of one job: late news of an earlier attempt does not fit it. */
export interface JobAttempt {
  readonly jobId: JobId;
  readonly attempt: number;
}
