import type { JobId } from '@argunix/shared/domain/ids';
import type { JobEnding } from '@argunix/shared/domain/job-status';
import { readableReason } from '@argunix/shared/domain/readable-reason';
import { storePathName } from '@argunix/shared/domain/store-path';
import type { FailedDependent, GraphJob } from './build-graph.ts';

/** How a build ended, as far as a job is concerned; the other endings mean that it has to be tried again. */
export type FinalEnding =
  | { readonly kind: 'built' }
  | { readonly kind: 'substituted' }
  | {
      readonly kind: 'failed' | 'dependency_failed' | 'timed_out' | 'over_limit' | 'unsupported' | 'gave_up';
      readonly reason: string;
    };

export interface Verdict {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly status: JobEnding;
  readonly reason: string | null;
  readonly causeJobId: JobId | null;
}

/** What an ending means for one of the jobs of its step. */
export function judgeBuild(job: GraphJob, ending: FinalEnding): Verdict {
  const { jobId, attempt } = job;
  const verdict = (status: JobEnding, reason: string | null): Verdict => ({
    jobId,
    attempt,
    status,
    reason,
    causeJobId: null,
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

/** A job that cannot be built because another one failed. */
export function judgeDependent({ job, cause, drvPath }: FailedDependent): Verdict {
  const name = cause === null ? `the derivation ${storePathName(drvPath)}` : cause.attr;
  return {
    jobId: job.jobId,
    attempt: job.attempt,
    status: 'dependency_failed',
    reason: `It needs ${name}, which failed.`,
    causeJobId: cause?.jobId ?? null,
  };
}
