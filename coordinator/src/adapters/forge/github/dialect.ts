/** How GitHub writes deliveries. Which event it is, only a header says; the body is unverified until judgeSignature. */
import { z } from 'zod';
import type { ForgeEvent } from '../../../domain/forge-event.ts';
import type { DeliveryDialect, DeliveryHeaders, ParsedDelivery } from '../../../ports/forge-deliveries.ts';
import { deliveryHeader } from '../delivery-header.ts';
import { judgeHmac } from '../hmac-signature.ts';
import { CheckRunEvent, CheckSuiteEvent, toCheckRunEvent, toCheckSuiteEvent } from './check-event.ts';
import { EventRepository, toRepositoryHint } from './event-repository.ts';
import { payloadOf, peekPayload } from './payload.ts';
import { PullRequestEvent, toRequestEvent } from './pull-request-event.ts';
import { PushEvent, toPush } from './push-event.ts';

/** Undefined from a reader: of the right form, but what has to be a ref, a commit or a person is none. */
type Reading =
  | { readonly kind: 'event'; readonly event: ForgeEvent | undefined }
  | { readonly kind: 'other-form'; readonly place: string };

const READERS: ReadonlyMap<string, (payload: unknown) => Reading> = new Map([
  ['push', reader(PushEvent, toPush)],
  ['pull_request', reader(PullRequestEvent, toRequestEvent)],
  ['check_run', reader(CheckRunEvent, toCheckRunEvent)],
  ['check_suite', reader(CheckSuiteEvent, toCheckSuiteEvent)],
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
    return typeof payload === 'object' && payload !== null && !Array.isArray(payload)
      ? parseEvent(headers, name, payload)
      : malformed('expected a JSON object as the body, got none');
  },
  peekSlug: (body) => Peeked.parse(peekPayload(body))?.repository.full_name,
};

const Peeked = z
  .object({ repository: z.object({ full_name: z.string() }) })
  .optional()
  .catch(undefined);
const WithRepository = z.object({ repository: EventRepository });

function parseEvent(headers: DeliveryHeaders, name: string, payload: object): ParsedDelivery {
  const uid = deliveryHeader(headers, 'x-github-delivery') ?? null;
  const named = WithRepository.safeParse(payload);
  const repository = named.success ? (toRepositoryHint(named.data.repository) ?? null) : null;
  if (OF_INSTALLATIONS.has(name)) {
    return { kind: 'delivery', uid, repository: null, event: { kind: 'installations' } };
  }
  const read = READERS.get(name);
  if (read === undefined) {
    return { kind: 'delivery', uid, repository, event: { kind: 'ignored', reason: unusedReason(name) } };
  }
  if (repository === null) {
    return malformed(`expected ${name} with the full name of a repository, got none that is one`);
  }
  const reading = read(payload);
  if (reading.kind === 'other-form') {
    return malformed(`expected ${name} as GitHub describes it, got another form of ${reading.place}`);
  }
  return reading.event === undefined
    ? malformed(`expected ${name} of a revision, got something that is no ref, commit or login`)
    : { kind: 'delivery', uid, repository, event: reading.event };
}

function reader<Shape extends z.ZodType>(
  schema: Shape,
  toEvent: (event: z.infer<Shape>) => ForgeEvent | undefined,
): (payload: unknown) => Reading {
  return (payload) => {
    const read = schema.safeParse(payload);
    return read.success
      ? { kind: 'event', event: toEvent(read.data) }
      : { kind: 'other-form', place: read.error.issues[0]?.path.join('.') ?? 'the body' };
  };
}

function unusedReason(name: string): string {
  const shown = /^[a-z_]{1,40}$/.test(name) ? name : 'of an unknown name';
  return name === 'ping' ? 'It is a ping.' : `The event ${shown} is not used.`;
}

function malformed(reason: string): ParsedDelivery {
  return { kind: 'malformed', reason };
}
