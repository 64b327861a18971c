import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import type { JobId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { Clock } from '@argunix/shared/kit/clock';
import { derivationRoots } from '../domain/root-owners.ts';
import type { Changes } from '../ports/changes.ts';
import type { CommandVerdict } from '../ports/commands.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { JobStore, StoredJob } from '../ports/job-store.ts';
import type { StoreReader } from '../ports/store-reader.ts';
import type { Dispatcher } from './dispatch-steps.ts';
import { type ReleasePorts, releaseDerivations } from './release-derivations.ts';

export interface RestartJobPorts extends ReleasePorts {
  readonly evaluations: Pick<EvaluationStore, 'find'>;
  readonly jobs: JobStore;
  readonly dispatcher: Dispatcher;
  readonly store: StoreReader;
  readonly changes: Changes;
  readonly clock: Clock;
}

/** A new attempt of a job that ended, of what made it fail, and of what failed by it. */
export async function restartJob(ports: RestartJobPorts, id: JobId): Promise<CommandVerdict<object>> {
  const job = ports.jobs.find(id);
  if (job === undefined) {
    return { kind: 'not_found' };
  }
  if (job.drvPath === null) {
    return {
      kind: 'refused',
      reason: 'The attribute did not evaluate, so there is nothing to build. Restart the evaluation.',
    };
  }
  try {
    return await restart(ports, job);
  } finally {
    // What was held for a restart that did not come to be, or for an evaluation that was cancelled meanwhile.
    const status = ports.evaluations.find(job.evaluationId)?.status;
    if (status === undefined || isEvaluationEnded(status)) {
      await releaseDerivations(ports, job.evaluationId);
    }
  }
}

async function restart(
  { jobs, dispatcher, roots, store, changes, clock }: RestartJobPorts,
  { id, evaluationId }: StoredJob,
): Promise<CommandVerdict<object>> {
  const together = jobs.restartSet(id);
  const derivations: readonly DerivationPath[] = together.flatMap((jobId) => jobs.find(jobId)?.drvPath ?? []);
  await roots.add(derivationRoots(evaluationId), derivations);
  const valid = await store.validPaths(derivations);
  if (derivations.some((drvPath) => !valid.has(drvPath))) {
    return {
      kind: 'refused',
      reason: 'Its derivation is not in the store any more. Restart the evaluation.',
    };
  }
  const restarted = await jobs.restart(evaluationId, together, clock.now());
  if (restarted.length === 0) {
    return {
      kind: 'refused',
      reason: 'The job has not ended, or its evaluation was cancelled. Restart the evaluation.',
    };
  }
  // Again: when its evaluation was just done, the roots were on their way out.
  await roots.add(derivationRoots(evaluationId), derivations);
  changes.tell({ kind: 'evaluation', evaluationId });
  changes.tell({ kind: 'jobs', evaluationId, jobIds: restarted });
  await dispatcher.adopt(evaluationId);
  return { kind: 'done' };
}
