import type { DeliveryHeaders } from './forge-deliveries.ts';

/** What a forge, or somebody who says so, sent us. Nothing of it is believed yet. */
export interface RawDelivery {
  readonly forge: string;
  /** The opaque id in the URL; null where it has none: a GitHub App, or a hook of before. */
  readonly hook: string | null;
  readonly headers: DeliveryHeaders;
  readonly body: Buffer;
}

/** `ignored`: nothing to be done about it, and why; all three are good answers to the forge. */
export type DoorAnswer =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'known' }
  | { readonly kind: 'ignored'; readonly reason: string };

/**
 * Resolves when what is in it is stored durably. Throws `not-found` (no such forge, hook or repository, all the same),
 * `webhook.bad-signature`, `webhook.malformed`, `not-ready` while there is no secret, and `store.failed`.
 */
export type DeliveryDoor = (delivery: RawDelivery) => Promise<DoorAnswer>;
