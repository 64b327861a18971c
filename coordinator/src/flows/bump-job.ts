import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import { isJobEnding } from '@argunix/shared/domain/job-status';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Changes } from '../ports/changes.ts';
import type { CommandVerdict } from '../ports/commands.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { Queue } from '../ports/queue.ts';

export interface BumpPorts {
  readonly evaluations: Pick<EvaluationStore, 'find'>;
  readonly jobs: Pick<JobStore, 'find' | 'bump' | 'unfinishedAttempts'>;
  /** The line of what waits to be built. */
  readonly line: Pick<Queue, 'bump'>;
  readonly changes: Changes;
  readonly clock: Clock;
}

/** Brings a job, and what it needs, to the front: stored first, so that it is there after a restart too. */
export async function bumpJob(ports: BumpPorts, id: JobId): Promise<CommandVerdict<object>> {
  const job = ports.jobs.find(id);
  if (job === undefined) {
    return { kind: 'not_found' };
  }
  const isBumped = !isJobEnding(job.status) && (await bump(ports, job.evaluationId, [id]));
  return isBumped
    ? { kind: 'done' }
    : { kind: 'refused', reason: `The job has ended: it is ${ports.jobs.find(id)?.status ?? job.status}.` };
}

/** All jobs of an evaluation that have not ended. */
export async function bumpEvaluation(ports: BumpPorts, id: EvaluationId): Promise<CommandVerdict<object>> {
  const evaluation = ports.evaluations.find(id);
  if (evaluation === undefined) {
    return { kind: 'not_found' };
  }
  const { status } = evaluation;
  if (status !== 'building' && !isEvaluationEnded(status)) {
    return {
      kind: 'refused',
      reason: `Evaluation ${id} does not build yet, so nothing of it stands in line.`,
    };
  }
  const isBumped =
    status === 'building' && (await bump(ports, id, [...ports.jobs.unfinishedAttempts(id).keys()]));
  return isBumped
    ? { kind: 'done' }
    : {
        kind: 'refused',
        reason: `Evaluation ${id} has ended: it is ${ports.evaluations.find(id)?.status ?? status}.`,
      };
}

async function bump(
  { jobs, line, changes, clock }: BumpPorts,
  evaluationId: EvaluationId,
  ids: readonly JobId[],
): Promise<boolean> {
  if ((await jobs.bump(ids, clock.now())) === 0) {
    return false;
  }
  line.bump(ids);
  changes.tell({ kind: 'jobs', evaluationId, jobIds: ids });
  changes.tell({ kind: 'queue' });
  return true;
}
