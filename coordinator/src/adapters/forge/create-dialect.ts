/** What all dialects have in common: a header names the event, and the body is JSON that names its repository. */
import type { z } from 'zod';
import type { ForgeEvent, RepositoryHint } from '../../domain/forge-event.ts';
import type { DeliveryDialect, DeliveryHeaders } from '../../ports/forge-deliveries.ts';
import { malformed, malformedBy } from './delivery-body.ts';

export type ReadEvent = (payload: object) => z.ZodSafeParseResult<ForgeEvent>;

export function readBy(schema: z.ZodType<ForgeEvent>): ReadEvent {
  return (payload) => schema.safeParse(payload);
}

export interface DialectParts {
  readonly judgeSignature: DeliveryDialect['judgeSignature'];
  eventOf(headers: DeliveryHeaders): string | undefined;
  /** The header that names the event. */
  readonly eventHeader: string;
  uidOf(headers: DeliveryHeaders): string | null;
  payloadOf(headers: DeliveryHeaders, body: Buffer): object | undefined;
  /** What the body is expected to be. */
  readonly bodyForm: string;
  readonly readers: ReadonlyMap<string, ReadEvent>;
  /** Of events without a reader. */
  whyIgnored(event: string): string;
  readonly repository: z.ZodType<RepositoryHint>;
  readonly peekSlug: DeliveryDialect['peekSlug'];
}

export function createDialect(parts: DialectParts): DeliveryDialect {
  return {
    judgeSignature: parts.judgeSignature,
    parse(headers, body) {
      const name = parts.eventOf(headers) ?? '';
      if (name === '') {
        return malformed(`expected the header ${parts.eventHeader}`);
      }
      const payload = parts.payloadOf(headers, body);
      if (payload === undefined) {
        return malformed(`expected ${parts.bodyForm}`);
      }
      const read = parts.readers.get(name)?.(payload);
      if (read?.success === false) {
        return malformedBy(read.error);
      }
      const event: ForgeEvent = read?.data ?? { kind: 'ignored', reason: parts.whyIgnored(name) };
      const repository = parts.repository.safeParse(payload);
      if (!repository.success && event.kind !== 'ignored' && event.kind !== 'installations') {
        return malformedBy(repository.error);
      }
      const isAboutOne = repository.success && event.kind !== 'installations';
      return {
        kind: 'delivery',
        uid: parts.uidOf(headers),
        repository: isAboutOne ? repository.data : null,
        event,
      };
    },
    peekSlug: parts.peekSlug,
  };
}
