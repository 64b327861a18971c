import type { JobId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import { derivationRoots } from '../domain/root-owners.ts';
import type { Changes } from '../ports/changes.ts';
import type { CommandVerdict } from '../ports/commands.ts';
import type { GcRoots } from '../ports/gc-roots.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { StoreReader } from '../ports/store-reader.ts';
import type { Dispatcher } from './dispatch-steps.ts';

export interface RestartJobPorts {
  readonly jobs: JobStore;
  readonly dispatcher: Dispatcher;
  readonly roots: GcRoots;
  readonly store: StoreReader;
  readonly changes: Changes;
  readonly clock: Clock;
}

/** A new attempt of a job that ended, of what made it fail, and of what failed by it. */
export async function restartJob(ports: RestartJobPorts, id: JobId): Promise<CommandVerdict<object>> {
  const { jobs, dispatcher, roots, store, changes, clock } = ports;
  const job = jobs.find(id);
  if (job === undefined) {
    return { kind: 'not_found' };
  }
  if (job.drvPath === null) {
    return {
      kind: 'refused',
      reason: 'The attribute did not evaluate, so there is nothing to build. Restart the evaluation.',
    };
  }
  const together = jobs.restartSet(id);
  const derivations = together.flatMap((jobId) => jobs.find(jobId)?.drvPath ?? []);
  await roots.add(derivationRoots(job.evaluationId), derivations);
  const valid = await store.validPaths(derivations);
  if (derivations.some((drvPath) => !valid.has(drvPath))) {
    return {
      kind: 'refused',
      reason: 'Its derivation is not in the store any more. Restart the evaluation.',
    };
  }
  const restarted = await jobs.restart(job.evaluationId, together, clock.now());
  if (restarted.length === 0) {
    return {
      kind: 'refused',
      reason: 'The job has not ended, or its evaluation was cancelled. Restart the evaluation.',
    };
  }
  changes.tell({ kind: 'evaluation', evaluationId: job.evaluationId });
  changes.tell({ kind: 'jobs', evaluationId: job.evaluationId, jobIds: restarted });
  await dispatcher.adopt(job.evaluationId);
  return { kind: 'done' };
}
