/**
 * One dispatch of a derivation, for those who may read a job that needs it: while it runs as the queue says, later as
 * the jobs that ended by it say.
 */
import { leaseLogPath } from '@argunix/shared/control-api/paths';
import type { LeaseView } from '@argunix/shared/control-api/queue-views';
import type { LeaseId } from '@argunix/shared/domain/ids';
import { storePathName } from '@argunix/shared/domain/store-path';
import type { JobDirectory, ListedJob } from '../../ports/job-directory.ts';
import type { Queue } from '../../ports/queue.ts';
import { toTimeOrNull, type VisibleSteps } from './visible-steps.ts';

const MOST_NAMED = 10;

export interface LeaseSources {
  readonly queue: Queue;
  readonly directory: JobDirectory;
  readonly externalUrl: string;
}

export function findReadableLease(
  { queue, directory, externalUrl }: LeaseSources,
  leaseId: LeaseId,
  { readsAll, isReadable }: Pick<VisibleSteps, 'readsAll' | 'isReadable'>,
): LeaseView | undefined {
  const lease = directory.lease(leaseId);
  const step = queue.snapshot(0).running.find((one) => one.leaseId === leaseId);
  const needing: readonly ListedJob[] =
    step === undefined ? directory.jobsOfLease(leaseId) : [...directory.jobs(step.jobIds).values()];
  const seen = needing.filter(({ ref }) => isReadable(ref.repo));
  if (lease === undefined || seen.length === 0) {
    return undefined;
  }
  const naming = seen.filter(({ drvPath }) => drvPath === lease.drvPath);
  const jobs = (naming.length > 0 ? naming : seen).map(({ ref }) => ref);
  return {
    id: leaseId,
    name: storePathName(lease.drvPath),
    drv_path: lease.drvPath,
    builder: lease.builder,
    running: step !== undefined,
    internal: naming.length === 0,
    started_at: toTimeOrNull(step?.startedAt ?? lease.startedAt),
    finished_at: toTimeOrNull(lease.endedAt),
    jobs: jobs.slice(0, MOST_NAMED),
    job_count: readsAll ? (step?.jobCount ?? jobs.length) : jobs.length,
    log_url: externalUrl + leaseLogPath(leaseId),
  };
}
