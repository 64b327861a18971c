import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import { outcomeOf, unfinishedCount } from '../domain/evaluation-outcome.ts';
import { derivationRoots } from '../domain/root-owners.ts';
import type { Changes } from '../ports/changes.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { GcRoots } from '../ports/gc-roots.ts';
import type { Metrics } from '../ports/metrics.ts';

export interface FinishPorts {
  readonly evaluations: EvaluationStore;
  readonly roots: GcRoots;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'evaluationEnded'>;
}

/** building → done, when every job has ended; nothing happens before. Its derivations are not held any longer. */
export async function finishEvaluation(ports: FinishPorts, id: EvaluationId): Promise<void> {
  const counts = ports.evaluations.counts(id);
  const at = ports.clock.now();
  const outcome = outcomeOf(counts);
  if (unfinishedCount(counts) > 0 || !(await ports.evaluations.finish(id, outcome, counts, at))) {
    return;
  }
  ports.metrics.evaluationEnded('done', outcome, at - (ports.evaluations.find(id)?.createdAt ?? at));
  ports.changes.tell({ kind: 'evaluation', evaluationId: id });
  await ports.roots.remove(derivationRoots(id));
}
