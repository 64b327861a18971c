import type { EvaluationId } from '@argunix/shared/domain/ids';
import { type CancelPorts, cancelEvaluation } from './cancel-evaluation.ts';

/**
 * Ends what of an evaluation waits. One that builds lets finish what is being built, and ends when that has; any other
 * ends at once.
 */
export async function dropQueued(
  ports: CancelPorts,
  id: EvaluationId,
  reason: string,
  supersededBy: EvaluationId | null = null,
): Promise<void> {
  const { evaluations, dispatcher, changes, clock } = ports;
  // Read and asked for in one turn: nothing can begin to build in between.
  if (evaluations.find(id)?.status !== 'building') {
    await cancelEvaluation(ports, id, reason, supersededBy);
    return;
  }
  const dropped = await evaluations.dropQueued(id, supersededBy, reason, clock.now());
  if (dropped === undefined) {
    return;
  }
  changes.tell({ kind: 'evaluation', evaluationId: id });
  changes.tell({ kind: 'jobs', evaluationId: id, jobIds: dropped.map(({ jobId }) => jobId) });
  await dispatcher.forget(id, dropped);
}
