import type { EvaluationOutcome } from '@argunix/shared/domain/evaluation-status';
import type { JobStatus } from '@argunix/shared/domain/job-status';

type Counts = Readonly<Record<JobStatus, number>>;

/**
 * What a finished evaluation amounts to. Something that does not build outweighs something that could not be tried;
 * `dependency_failed` counts as its cause, which is among the jobs unless another evaluation built it.
 */
export function outcomeOf(counts: Counts): EvaluationOutcome {
  if (counts.failure + counts.timed_out > 0) {
    return 'failure';
  }
  if (counts.error + counts.unsupported + counts.cancelled > 0) {
    return 'error';
  }
  return counts.dependency_failed > 0 ? 'failure' : 'success';
}
