import type { EvaluationId } from '@argunix/shared/domain/ids';
import { outcomeOf } from '../domain/evaluation-outcome.ts';
import type { Changes } from '../ports/changes.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import { keepTrying, type PatiencePorts } from './keep-trying.ts';
import { type ReleasePorts, releaseDerivations } from './release-derivations.ts';

export interface FinishPorts extends PatiencePorts, ReleasePorts {
  readonly evaluations: EvaluationStore;
  readonly jobs: Pick<JobStore, 'hasUnfinished'>;
  readonly changes: Changes;
  readonly metrics: Pick<Metrics, 'evaluationEnded'>;
}

/**
 * building → done, or superseded when it was dropped for a newer one, once every job has ended; nothing happens before,
 * so it may be called whenever one has. Its derivations are not held any longer.
 */
export async function finishEvaluation(
  ports: FinishPorts,
  id: EvaluationId,
  signal: AbortSignal,
): Promise<void> {
  const { evaluations, jobs, changes, clock, metrics } = ports;
  if (jobs.hasUnfinished(id)) {
    return;
  }
  const counts = evaluations.counts(id);
  const outcome = outcomeOf(counts);
  const at = clock.now();
  const hasEnded = await keepTrying(ports, 'finish an evaluation', signal, () =>
    evaluations.finish(id, outcome, counts, at),
  );
  if (hasEnded) {
    const ended = evaluations.find(id);
    const isSuperseded = ended !== undefined && ended.supersededBy !== null;
    const totalMs = at - (ended?.createdAt ?? at);
    metrics.evaluationEnded(isSuperseded ? 'superseded' : 'done', isSuperseded ? null : outcome, totalMs);
    changes.tell({ kind: 'evaluation', evaluationId: id });
    await releaseDerivations(ports, id);
  }
}
