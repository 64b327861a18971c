import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { DeliveryId, EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import type { CheckHandle, Login } from '../domain/forge-event.ts';
import type { Head } from './repository-store.ts';

/** `look`: we found it ourselves. `hook`: the forge told us. `person`: somebody asked us for it. */
type Origin = 'look' | 'hook' | 'person';

/** What is known of the people of a request when it is delivered. */
export interface RequestPeople {
  readonly author: Login;
  /** Null: nobody knows. */
  readonly pusher: Login | null;
  readonly headName: string;
}

interface Received {
  readonly id: DeliveryId;
  readonly repositoryId: RepositoryId;
  readonly origin: Origin;
  /** The forge's own id of it. */
  readonly uid: string | null;
  readonly receivedAt: EpochMs;
}

/** One that asks for an evaluation. */
export interface Delivery extends Received {
  readonly kind: 'push' | 'pull_request' | 'manual';
  /** Of a request, the branch that it is to be merged into: another one makes another evaluation. */
  readonly ref: GitRef;
  /** Of a request; null for everything else. */
  readonly prNumber: number | null;
  readonly sha: Sha;
  /** Of a push, where its ref was until then; null where that is not said, or nothing was there. */
  readonly before: Sha | null;
  /** Of a request: its head is a branch of the repository itself. Whom else to trust is asked later. */
  readonly isTrusted: boolean;
  /** Null for everything but a request. */
  readonly people: RequestPeople | null;
}

/** One that asks for something else. */
export type Notice = Received &
  (
    | { readonly kind: 'deleted'; readonly ref: GitRef }
    | { readonly kind: 'closed'; readonly prNumber: number }
    | {
        readonly kind: 'rerun' | 'approve';
        readonly sha: Sha;
        readonly of: CheckHandle | null;
        readonly by: Login | null;
      }
  );

export type InboxItem = Delivery | Notice;
export type NewDelivery = Omit<Delivery, 'id'>;
/** Distributes over the union, which `Omit` does not. */
export type NewItem = InboxItem extends infer Item
  ? Item extends InboxItem
    ? Omit<Item, 'id'>
    : never
  : never;

/** How an evaluation begins its life. */
export type Opening =
  | { readonly status: 'queued' }
  | {
      readonly status: 'awaiting_approval';
      readonly awaits: 'forge' | 'approval';
      readonly reason: string;
    };

export const MOST_PENDING = 1_000;

/** The inbox: what is stored here is handled once, whatever happens to the program in between. */
export interface DeliveryStore {
  /** Keeps what changed since the last look at the source, together with the deliveries that follow from it: both or neither. */
  recordHeads(
    repositoryId: RepositoryId,
    look: { readonly gone: readonly GitRef[]; readonly pushed: readonly Head[]; readonly at: EpochMs },
  ): Promise<void>;
  /** What has no uid. */
  receive(item: NewItem & { readonly uid: null }): Promise<DeliveryId>;
  /** With a reason it is settled with it at once. False when the repository has had a delivery of this uid before. */
  receiveOnce(item: NewItem, settledBecause?: string | null): Promise<boolean>;
  /** Not yet handled, oldest first; `MOST_PENDING` of them where there are more. */
  pending(): readonly InboxItem[];
  /** Makes the evaluation and marks the delivery handled in one transaction; undefined when it was handled already. */
  accept(delivery: Delivery, at: EpochMs, opening?: Opening): Promise<EvaluationId | undefined>;
  /** Marks it handled: there is an evaluation of it already. The next look does not take it for news either. */
  recognize(delivery: Delivery, verdict: string, at: EpochMs): Promise<void>;
  /** Marks it handled without an evaluation; `verdict` says why. A closed request and a deleted ref are not known any more. */
  settle(item: InboxItem, verdict: string, at: EpochMs): Promise<void>;
}
