import type { LeaseId } from '@argunix/shared/domain/ids';
import { isJobEnding } from '@argunix/shared/domain/job-status';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';

export interface JobLog {
  readonly leaseId: LeaseId;
  /** The job still waits or runs: its log may grow, or be about to begin. */
  readonly isLive: boolean;
}

/** The log of one attempt of a job; `null` is the current attempt. Undefined when nothing was dispatched for it. */
export function createFindLog(
  database: Reader,
): (jobId: number, attempt: number | null) => JobLog | undefined {
  return (jobId, attempt) => {
    const job = database.first(
      sqlite.selectFrom('jobs').select(['attempt', 'status', 'lease_id']).where('id', '=', jobId),
    );
    if (job === undefined || attempt === null || attempt === job.attempt) {
      return job === undefined || job.lease_id === null
        ? undefined
        : { leaseId: job.lease_id as LeaseId, isLive: !isJobEnding(job.status) };
    }
    const earlier = database.first(
      sqlite
        .selectFrom('attempts')
        .select('lease_id')
        .where('job_id', '=', jobId)
        .where('number', '=', attempt),
    );
    return earlier === undefined || earlier.lease_id === null
      ? undefined
      : { leaseId: earlier.lease_id as LeaseId, isLive: false };
  };
}
