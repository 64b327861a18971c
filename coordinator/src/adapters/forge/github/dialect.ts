/** How GitHub writes deliveries. Which event it is, only a header says; the body is unverified until judgeSignature. */
import { z } from 'zod';
import type { ForgeEvent } from '../../../domain/forge-event.ts';
import type { DeliveryDialect, DeliveryHeaders, ParsedDelivery } from '../../../ports/forge-deliveries.ts';
import { malformed, malformedBy } from '../delivery-body.ts';
import { deliveryHeader } from '../delivery-header.ts';
import { judgeHmac } from '../hmac-signature.ts';
import { CheckRunEvent, CheckSuiteEvent, toCheckRunEvent, toCheckSuiteEvent } from './check-event.ts';
import { EventRepository, toRepositoryHint } from './event-repository.ts';
import { payloadOf, peekPayload } from './payload.ts';
import { PullRequestEvent, toRequestEvent } from './pull-request-event.ts';
import { PushEvent, toPush } from './push-event.ts';

const WithRepository = z.object({ repository: EventRepository });
const Peeked = z
  .object({ repository: z.object({ full_name: z.string() }) })
  .optional()
  .catch(undefined);

type Reader = z.ZodType<ForgeEvent>;
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['push', PushEvent.transform(toPush)],
  ['pull_request', PullRequestEvent.transform(toRequestEvent)],
  ['check_run', CheckRunEvent.transform(toCheckRunEvent)],
  ['check_suite', CheckSuiteEvent.transform(toCheckSuiteEvent)],
]);
const OF_INSTALLATIONS = new Set(['installation', 'installation_repositories']);

export const gitHubDialect: DeliveryDialect = {
  judgeSignature: (headers, body, secrets) => {
    const given = deliveryHeader(headers, 'x-hub-signature-256');
    return judgeHmac(given?.replace(/^sha256=/, ''), body, secrets);
  },
  parse: (headers, body) => {
    const name = deliveryHeader(headers, 'x-github-event');
    if (name === undefined) {
      return malformed('expected the header x-github-event, got none');
    }
    const payload = payloadOf(headers, body);
    return payload === undefined
      ? malformed('expected a JSON object as the body, got none')
      : parseEvent(headers, name, payload);
  },
  peekSlug: (body) => Peeked.parse(peekPayload(body))?.repository.full_name,
};

function parseEvent(headers: DeliveryHeaders, name: string, payload: object): ParsedDelivery {
  const uid = deliveryHeader(headers, 'x-github-delivery') ?? null;
  if (OF_INSTALLATIONS.has(name)) {
    return { kind: 'delivery', uid, repository: null, event: { kind: 'installations' } };
  }
  const named = WithRepository.safeParse(payload);
  const repository = named.success ? toRepositoryHint(named.data.repository) : null;
  const reader = READERS.get(name);
  if (reader === undefined) {
    return { kind: 'delivery', uid, repository, event: { kind: 'ignored', reason: unusedReason(name) } };
  }
  if (!named.success) {
    return malformedBy(named.error);
  }
  const event = reader.safeParse(payload);
  return event.success ? { kind: 'delivery', uid, repository, event: event.data } : malformedBy(event.error);
}

function unusedReason(name: string): string {
  const shown = /^[a-z_]{1,40}$/.test(name) ? name : 'of an unknown name';
  return name === 'ping' ? 'It is a ping.' : `The event ${shown} is not used.`;
}
