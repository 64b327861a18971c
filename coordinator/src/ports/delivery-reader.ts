import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { ForgeKind } from '@argunix/shared/domain/forge-kind';
import type { Secret } from '@argunix/shared/kit/secret';
import type { DeliveryHeaders, ParsedDelivery, SignatureVerdict } from './forge-deliveries.ts';

/** The kinds that deliver; `git` is none of them. */
export type DeliveringKind = Exclude<ForgeKind, 'git'>;

export interface SignedDelivery {
  readonly kind: DeliveringKind;
  readonly headers: DeliveryHeaders;
  readonly body: Buffer;
  /** One of them must have signed it. */
  readonly secrets: readonly Secret[];
  readonly now: EpochMs;
}

export type ReadDelivery =
  | ParsedDelivery
  | { readonly kind: 'unsigned'; readonly verdict: Exclude<SignatureVerdict, 'good'> };

/** Judges signatures and reads bodies, of up to 25 MB, away from where requests are answered. Rejects with `busy`. */
export interface DeliveryReader {
  /** Of a body with a bad signature nothing is read. Takes the body away: it is empty afterwards. */
  read(delivery: SignedDelivery): Promise<ReadDelivery>;
  /** The repository that an unverified body names. */
  peekSlug(kind: DeliveringKind, body: Buffer): Promise<string | undefined>;
}
