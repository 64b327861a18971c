import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import { derivationRoots } from '../domain/root-owners.ts';
import type { Changes } from '../ports/changes.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { GcRoots } from '../ports/gc-roots.ts';

export interface FailPorts {
  readonly evaluations: EvaluationStore;
  readonly roots: GcRoots;
  readonly changes: Changes;
  readonly clock: Clock;
}

/** evaluating → evaluation_failed; what it had found is not built and not held any longer. */
export async function failEvaluation(ports: FailPorts, id: EvaluationId, reason: string): Promise<void> {
  if (await ports.evaluations.fail(id, reason, ports.clock.now())) {
    ports.changes.tell({ kind: 'evaluation', evaluationId: id });
    await ports.roots.remove(derivationRoots(id));
  }
}
