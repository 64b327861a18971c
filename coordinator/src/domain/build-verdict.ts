import type { JobId, LeaseId } from '@argunix/shared/domain/ids';
import type { JobEnding } from '@argunix/shared/domain/job-status';
import { readableReason } from '@argunix/shared/domain/readable-reason';
import { storePathName } from '@argunix/shared/domain/store-path';
import type { GraphJob } from './queue/step.ts';
import type { FailedDependent } from './queue/step-graph.ts';

/** How a build ended, as far as a job is concerned; the other endings mean that it has to be tried again. */
export type FinalEnding =
  | { readonly kind: 'built' }
  | { readonly kind: 'substituted' }
  | {
      readonly kind:
        | 'failed'
        | 'dependency_failed'
        | 'timed_out'
        | 'over_limit'
        | 'unsupported'
        | 'gave_up'
        /** It was not built again, because it failed not long ago. */
        | 'failed_before';
      readonly reason: string;
    };

export interface Verdict {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly status: JobEnding;
  readonly reason: string | null;
  readonly causeJobId: JobId | null;
  /** The job whose failure, not long ago, stands for this one. */
  readonly earlierJobId: JobId | null;
  /** Whose log tells why; undefined leaves what the job has. */
  readonly leaseId?: LeaseId;
}

/** What an ending means for one of the jobs of its step. */
export function judgeBuild(job: GraphJob, ending: FinalEnding, earlierJobId: JobId | null = null): Verdict {
  const { jobId, attempt } = job;
  const verdict = (status: JobEnding, reason: string | null): Verdict => ({
    jobId,
    attempt,
    status,
    reason,
    causeJobId: null,
    earlierJobId,
  });
  switch (ending.kind) {
    case 'built':
      return verdict('success', null);
    case 'substituted':
      return job.wasDispatched
        ? verdict('success', null)
        : verdict(
            'cached',
            `${storePathName(job.drvPath)} came from the store or a binary cache; nothing was built.`,
          );
    case 'failed':
    case 'dependency_failed':
      return verdict('failure', readableReason(ending.reason));
    case 'over_limit':
    case 'failed_before':
      return verdict('failure', ending.reason);
    case 'timed_out':
      return verdict(
        'timed_out',
        `It ${ending.reason}; schedule.build_timeout_seconds and schedule.max_silent_seconds say how much is allowed.`,
      );
    case 'unsupported':
      return verdict('unsupported', readableReason(ending.reason));
    case 'gave_up':
      return verdict('error', ending.reason);
  }
}

export function isGoodEnding(ending: FinalEnding): boolean {
  return ending.kind === 'built' || ending.kind === 'substituted';
}

/** A job that cannot be built because another one, or something that no job names, failed. */
export function judgeDependent(
  { job, cause, drvPath }: FailedDependent,
  failed: { readonly leaseId: LeaseId | null; readonly ending: FinalEnding },
): Verdict {
  const { jobId, attempt } = job;
  const common = { jobId, attempt, status: 'dependency_failed', earlierJobId: null } as const;
  if (cause !== null) {
    return { ...common, reason: `It needs ${cause.attr}, which failed.`, causeJobId: cause.jobId };
  }
  const why = 'reason' in failed.ending ? ` ${readableReason(failed.ending.reason)}` : '';
  return {
    ...common,
    reason: `It needs ${storePathName(drvPath)}, which failed.${why}`,
    causeJobId: null,
    ...(failed.leaseId === null ? {} : { leaseId: failed.leaseId }),
  };
}
