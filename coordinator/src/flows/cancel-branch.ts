import { LIVING_STATUSES } from '@argunix/shared/domain/evaluation-status';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import { shortRef } from '@argunix/shared/domain/git-ref';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { CancelPorts } from './cancel-evaluation.ts';
import { dropQueued } from './drop-queued.ts';

/** Ends what of deleted branches waits, evaluations that do not build yet among it; what is being built is let finish. */
export async function cancelBranch(
  ports: CancelPorts,
  repositoryId: RepositoryId,
  refs: readonly GitRef[],
): Promise<void> {
  for (const { id, ref, prNumber, ...evaluation } of ports.evaluations.living(LIVING_STATUSES)) {
    // A request outlives the branch that it was to be merged into: it is retargeted, or closed.
    if (evaluation.repositoryId === repositoryId && prNumber === null && refs.includes(ref)) {
      await dropQueued(ports, id, `${shortRef(ref)} was deleted, or is not watched any more.`);
    }
  }
}
