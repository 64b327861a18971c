import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Changes } from '../ports/changes.ts';
import type { CommandVerdict } from '../ports/commands.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Dispatcher } from './dispatch-steps.ts';
import type { EvaluationQueue } from './evaluation-queue.ts';
import { type ReleasePorts, releaseDerivations } from './release-derivations.ts';

export interface CancelPorts extends ReleasePorts {
  readonly evaluations: EvaluationStore;
  readonly queue: Pick<EvaluationQueue, 'abort'>;
  readonly dispatcher: Pick<Dispatcher, 'forget'>;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'evaluationEnded'>;
}

/** Ends an evaluation that lives: stored first, then its evaluator and the builds that nobody else wants are stopped. */
export async function cancelEvaluation(
  ports: CancelPorts,
  id: EvaluationId,
  reason: string,
  supersededBy: EvaluationId | null = null,
): Promise<CommandVerdict<object>> {
  const { evaluations, queue, dispatcher, changes, clock, metrics } = ports;
  const evaluation = evaluations.find(id);
  if (evaluation === undefined) {
    return { kind: 'not_found' };
  }
  const at = clock.now();
  const ended = await evaluations.end(id, supersededBy === null ? 'cancelled' : { supersededBy }, reason, at);
  if (ended === undefined) {
    return { kind: 'refused', reason: `Evaluation ${id} has ended already: it is ${evaluation.status}.` };
  }
  metrics.evaluationEnded(
    supersededBy === null ? 'cancelled' : 'superseded',
    null,
    at - evaluation.createdAt,
  );
  changes.tell({ kind: 'evaluation', evaluationId: id });
  queue.abort(id);
  await dispatcher.forget(id, ended);
  await releaseDerivations(ports, id);
  return { kind: 'done' };
}
