import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import { derivationRoots } from '../domain/root-owners.ts';
import type { Changes } from '../ports/changes.ts';
import type { CommandVerdict } from '../ports/commands.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { GcRoots } from '../ports/gc-roots.ts';
import type { Dispatcher } from './dispatch-steps.ts';
import type { EvaluationQueue } from './evaluation-queue.ts';

export interface CancelPorts {
  readonly evaluations: EvaluationStore;
  readonly queue: EvaluationQueue;
  readonly dispatcher: Dispatcher;
  readonly roots: GcRoots;
  readonly changes: Changes;
  readonly clock: Clock;
}

/** Ends an evaluation that lives: stored first, then its evaluator and the builds that nobody else wants are stopped. */
export async function cancelEvaluation(
  ports: CancelPorts,
  id: EvaluationId,
  reason: string,
  status: 'cancelled' | 'superseded' = 'cancelled',
): Promise<CommandVerdict<object>> {
  const { evaluations, queue, dispatcher, roots, changes, clock } = ports;
  const evaluation = evaluations.find(id);
  if (evaluation === undefined) {
    return { kind: 'not_found' };
  }
  const jobIds = await evaluations.end(id, status, reason, clock.now());
  if (jobIds === undefined) {
    return { kind: 'refused', reason: `Evaluation ${id} has ended already: it is ${evaluation.status}.` };
  }
  queue.abort(id);
  await dispatcher.forget(id, jobIds);
  await roots.remove(derivationRoots(id));
  changes.tell({ kind: 'evaluation', evaluationId: id });
  return { kind: 'done' };
}
