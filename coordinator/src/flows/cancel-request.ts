import { LIVING_STATUSES } from '@argunix/shared/domain/evaluation-status';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { type CancelPorts, cancelEvaluation } from './cancel-evaluation.ts';

/** Ends everything of a request that was closed or merged; what of it stands in the inbox is to be handled before. */
export async function cancelRequest(
  ports: CancelPorts,
  repositoryId: RepositoryId,
  prNumber: number,
): Promise<void> {
  for (const evaluation of ports.evaluations.living(LIVING_STATUSES)) {
    if (evaluation.repositoryId === repositoryId && evaluation.prNumber === prNumber) {
      await cancelEvaluation(ports, evaluation.id, `Request ${prNumber} was closed.`);
    }
  }
}
