import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import { outcomeOf, unfinishedCount } from '../domain/evaluation-outcome.ts';
import { derivationRoots } from '../domain/root-owners.ts';
import type { Changes } from '../ports/changes.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { GcRoots } from '../ports/gc-roots.ts';

export interface FinishPorts {
  readonly evaluations: EvaluationStore;
  readonly roots: GcRoots;
  readonly changes: Changes;
  readonly clock: Clock;
}

/** building → done, when every job has ended; nothing happens before. Its derivations are not held any longer. */
export async function finishEvaluation(ports: FinishPorts, id: EvaluationId): Promise<void> {
  const counts = ports.evaluations.counts(id);
  if (
    unfinishedCount(counts) > 0 ||
    !(await ports.evaluations.finish(id, outcomeOf(counts), counts, ports.clock.now()))
  ) {
    return;
  }
  ports.changes.tell({ kind: 'evaluation', evaluationId: id });
  await ports.roots.remove(derivationRoots(id));
}
