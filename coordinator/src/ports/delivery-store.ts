import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { DeliveryId, EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import type { Head } from './repository-store.ts';

export interface Delivery {
  readonly id: DeliveryId;
  readonly repositoryId: RepositoryId;
  readonly kind: 'push' | 'pull_request' | 'manual';
  /** Of a request, the branch that it is to be merged into: another one makes another evaluation. */
  readonly ref: GitRef;
  /** Of a request; null for everything else. */
  readonly prNumber: number | null;
  readonly sha: Sha;
  readonly isTrusted: boolean;
  readonly receivedAt: EpochMs;
}

/** The inbox: what is stored here is handled once, whatever happens to the program in between. */
export interface DeliveryStore {
  /** Keeps what changed since the last look at the source, together with the deliveries that follow from it: both or neither. */
  recordHeads(
    repositoryId: RepositoryId,
    look: { readonly gone: readonly GitRef[]; readonly pushed: readonly Head[]; readonly at: EpochMs },
  ): Promise<void>;
  receive(delivery: Omit<Delivery, 'id'>): Promise<DeliveryId>;
  /** Not yet handled, oldest first; a thousand at the most. */
  pending(): readonly Delivery[];
  /** Makes the evaluation and marks the delivery handled in one transaction; undefined when it was handled already. */
  accept(delivery: Delivery, at: EpochMs): Promise<EvaluationId | undefined>;
  /** Marks it handled without an evaluation; `verdict` says why. */
  drop(id: DeliveryId, verdict: string, at: EpochMs): Promise<void>;
}
