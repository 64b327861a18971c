import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { Secret } from '@argunix/shared/kit/secret';
import type { ForgeEvent, RepositoryHint } from '../domain/forge-event.ts';

export type DeliveryHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export type SignatureVerdict = 'good' | 'missing' | 'bad' | 'stale';

export type ParsedDelivery =
  | {
      readonly kind: 'delivery';
      /** The forge's own id of it: the same when it is sent again. Null where it gives none. */
      readonly uid: string | null;
      /** Null for what is about no repository. */
      readonly repository: RepositoryHint | null;
      readonly event: ForgeEvent;
    }
  /** `reason` says what was expected and what came, without quoting more than a word of it. */
  | { readonly kind: 'malformed'; readonly reason: string };

/** How one kind of forge writes a delivery. Pure: never waits and never throws, whatever it is given. */
export interface DeliveryDialect {
  /** Whether one of `secrets` signed exactly this body; in constant time, before anything of it is parsed. */
  judgeSignature(
    headers: DeliveryHeaders,
    body: Buffer,
    secrets: readonly Secret[],
    now: EpochMs,
  ): SignatureVerdict;
  parse(headers: DeliveryHeaders, body: Buffer): ParsedDelivery;
  /** The repository that the body names, unverified, only to find the secret; undefined where there is none. */
  peekSlug(body: Buffer): string | undefined;
}
