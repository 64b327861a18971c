import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import { derivationRoots } from '../domain/root-owners.ts';
import type { Changes } from '../ports/changes.ts';
import type { CommandVerdict } from '../ports/commands.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { JobStore, RestartableJob } from '../ports/job-store.ts';
import type { StoreReader } from '../ports/store-reader.ts';
import type { Dispatcher } from './dispatch-steps.ts';
import { type ReleasePorts, releaseDerivations } from './release-derivations.ts';

export interface RestartPorts extends ReleasePorts {
  readonly evaluations: Pick<EvaluationStore, 'find'>;
  readonly jobs: JobStore;
  readonly dispatcher: Pick<Dispatcher, 'takeOver'>;
  readonly store: Pick<StoreReader, 'validPaths'>;
  readonly changes: Changes;
  readonly clock: Clock;
}

/**
 * A new attempt of each of these jobs of one evaluation, all or none: their derivations are held first, then asked for.
 * `nothingEnded` is the sentence for when none of them had ended.
 */
export async function restartTogether(
  ports: RestartPorts,
  evaluationId: EvaluationId,
  together: readonly RestartableJob[],
  nothingEnded: string,
): Promise<CommandVerdict<object>> {
  const refusal = whyNot(ports, evaluationId);
  if (refusal !== undefined) {
    return { kind: 'refused', reason: refusal };
  }
  if (together.length === 0) {
    return { kind: 'refused', reason: nothingEnded };
  }
  try {
    return await restart(ports, evaluationId, together, nothingEnded);
  } finally {
    // What was held for a restart that did not come to be, or for an evaluation that was cancelled meanwhile.
    const status = ports.evaluations.find(evaluationId)?.status;
    if (status === undefined || isEvaluationEnded(status)) {
      await releaseDerivations(ports, evaluationId);
    }
  }
}

async function restart(
  ports: RestartPorts,
  evaluationId: EvaluationId,
  together: readonly RestartableJob[],
  nothingEnded: string,
): Promise<CommandVerdict<object>> {
  const { jobs, dispatcher, roots, store, changes, clock } = ports;
  const derivations = together.map(({ drvPath }) => drvPath);
  await roots.add(derivationRoots(evaluationId), derivations);
  const valid = await store.validPaths(derivations);
  if (derivations.some((drvPath) => !valid.has(drvPath))) {
    return {
      kind: 'refused',
      reason: `${together.length === 1 ? 'Its derivation' : 'A derivation'} is not in the store any more. Restart the evaluation.`,
    };
  }
  const restarted = await jobs.restart(
    evaluationId,
    together.map(({ id }) => id),
    clock.now(),
  );
  if (restarted.length === 0) {
    return { kind: 'refused', reason: whyNot(ports, evaluationId) ?? nothingEnded };
  }
  // Again: when its evaluation was just done, the roots were on their way out.
  await roots.add(derivationRoots(evaluationId), derivations);
  changes.tell({ kind: 'evaluation', evaluationId });
  changes.tell({ kind: 'jobs', evaluationId, jobIds: restarted });
  dispatcher.takeOver(evaluationId);
  return { kind: 'done' };
}

/** What of the evaluation forbids that any job of it is tried again. */
function whyNot({ evaluations }: RestartPorts, id: EvaluationId): string | undefined {
  const evaluation = evaluations.find(id);
  if (evaluation === undefined) {
    return `Evaluation ${id} is there no more.`;
  }
  if (evaluation.supersededBy !== null) {
    return `Evaluation ${evaluation.supersededBy} took the place of evaluation ${id}. Restart the evaluation to have it built all the same.`;
  }
  const { status } = evaluation;
  if (status === 'done' || status === 'building') {
    return undefined;
  }
  return isEvaluationEnded(status)
    ? `Evaluation ${id} ended as ${status}. Restart the evaluation.`
    : `Evaluation ${id} is ${status}. Wait until it builds.`;
}
