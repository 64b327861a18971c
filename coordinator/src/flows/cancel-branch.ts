import type { GitRef } from '@argunix/shared/domain/git-ref';
import { shortRef } from '@argunix/shared/domain/git-ref';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { type CancelPorts, cancelEvaluation } from './cancel-evaluation.ts';

/** Ends what of a deleted branch waits to be evaluated; what runs is let run. */
export async function cancelBranch(
  ports: CancelPorts,
  repositoryId: RepositoryId,
  refs: readonly GitRef[],
): Promise<void> {
  for (const evaluation of ports.evaluations.living(['queued'])) {
    if (evaluation.repositoryId === repositoryId && refs.includes(evaluation.ref)) {
      await cancelEvaluation(
        ports,
        evaluation.id,
        `${shortRef(evaluation.ref)} was deleted, or is not watched any more.`,
      );
    }
  }
}
