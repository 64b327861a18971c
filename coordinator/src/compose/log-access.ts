/** Which log an address stands for, where this reader may see it, and still may while it is read. */
import type { LogRoutesOptions } from '../adapters/http/log-routes.ts';
import { findReadableLease, type LeaseSources } from '../adapters/http/readable-lease.ts';
import { createVisibleSteps } from '../adapters/http/visible-steps.ts';
import type { JobLog } from '../adapters/sqlite/find-log.ts';
import type { MayRead } from '../ports/may-read.ts';
import type { Views } from '../ports/views.ts';

export interface LogSources extends LeaseSources {
  readonly views: Pick<Views, 'job' | 'evaluation'>;
  readonly findJobLog: (jobId: number, attempt: number | null) => JobLog | undefined;
}

export function createLogAccess(
  sources: LogSources,
  mayRead: MayRead,
): Pick<LogRoutesOptions, 'findLog' | 'findLeaseLog'> {
  const { views, findJobLog } = sources;
  return {
    findLeaseLog: ({ leaseId, bearer }) => {
      const reader = { bearer };
      const steps = createVisibleSteps({ ...sources, mayRead }, reader);
      const found = findReadableLease(sources, leaseId, steps);
      return found === undefined
        ? undefined
        : {
            leaseId,
            isLive: found.running,
            isReadable: () => found.jobs.some(({ repo }) => mayRead(reader, repo)),
          };
    },
    findLog: ({ jobId, attempt, bearer }) => {
      const job = views.job(jobId);
      const owner = job === undefined ? undefined : views.evaluation(job.eval_id);
      const isReadable = (): boolean => owner !== undefined && mayRead({ bearer }, owner.repo);
      const found = isReadable() ? findJobLog(jobId, attempt) : undefined;
      return found === undefined ? undefined : { ...found, isReadable };
    },
  };
}
