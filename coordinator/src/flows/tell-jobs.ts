import type { GraphJob } from '../domain/queue/step.ts';
import type { Changes } from '../ports/changes.ts';

/** One change for each evaluation that any of these jobs is of. */
export function tellJobs(changes: Changes, jobs: readonly Pick<GraphJob, 'jobId' | 'evaluationId'>[]): void {
  for (const [evaluationId, some] of Map.groupBy(jobs, (job) => job.evaluationId)) {
    changes.tell({ kind: 'jobs', evaluationId, jobIds: some.map(({ jobId }) => jobId) });
  }
}
