import type { JobId } from '@argunix/shared/domain/ids';
import { isJobEnding } from '@argunix/shared/domain/job-status';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Changes } from '../ports/changes.ts';
import type { CommandVerdict } from '../ports/commands.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Dispatcher } from './dispatch-steps.ts';

export interface CancelJobPorts {
  readonly jobs: JobStore;
  readonly dispatcher: Dispatcher;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'jobEnded'>;
}

/** Ends one job, and with it the jobs of its evaluation that need it: building it inside them is what was not wanted. */
export async function cancelJob(ports: CancelJobPorts, id: JobId): Promise<CommandVerdict<object>> {
  const { jobs, dispatcher, changes, clock, metrics } = ports;
  const job = jobs.find(id);
  if (job === undefined) {
    return { kind: 'not_found' };
  }
  const dependents = dispatcher.dependentsOf(id);
  const settlements = [
    {
      jobId: id,
      attempt: job.attempt,
      status: 'cancelled' as const,
      reason: 'It was cancelled.',
      causeJobId: null,
    },
    ...dependents.map(({ jobId, attempt }) => ({
      jobId,
      attempt,
      status: 'dependency_failed' as const,
      reason: `It needs ${job.attr}, which was cancelled.`,
      causeJobId: id,
    })),
  ];
  const ended = new Set(await jobs.settle(settlements, null, clock.now()));
  if (!ended.has(id)) {
    const status = jobs.find(id)?.status ?? job.status;
    return {
      kind: 'refused',
      reason: `The job ${isJobEnding(status) ? `has ended already: it is ${status}` : 'could not be cancelled; try again'}.`,
    };
  }
  for (const { status } of settlements.filter(({ jobId }) => ended.has(jobId))) {
    metrics.jobEnded(status, job.system);
  }
  changes.tell({ kind: 'jobs', evaluationId: job.evaluationId, jobIds: [...ended] });
  await dispatcher.forget(
    job.evaluationId,
    settlements.filter(({ jobId }) => ended.has(jobId)),
  );
  return { kind: 'done' };
}
