/** How GitHub writes deliveries. Which event it is, only a header says; the body is unverified until judgeSignature. */
import { z } from 'zod';
import { createDialect, type ReadEvent, readBy } from '../create-dialect.ts';
import { deliveryHeader } from '../delivery-header.ts';
import { judgeHmac } from '../hmac-signature.ts';
import { CheckRunEvent, CheckSuiteEvent, toCheckRunEvent, toCheckSuiteEvent } from './check-event.ts';
import { EventRepository, toRepositoryHint } from './event-repository.ts';
import { payloadOf, peekPayload } from './payload.ts';
import { PullRequestEvent, toRequestEvent } from './pull-request-event.ts';
import { PushEvent, toPush } from './push-event.ts';

const Peeked = z.object({ repository: z.object({ full_name: z.string() }) });
const ofInstallations: ReadEvent = () => ({ success: true, data: { kind: 'installations' } });

export const gitHubDialect = createDialect({
  judgeSignature: (headers, body, secrets) => {
    const given = deliveryHeader(headers, 'x-hub-signature-256');
    return judgeHmac(given?.replace(/^sha256=/, ''), body, secrets);
  },
  eventOf: (headers) => deliveryHeader(headers, 'x-github-event'),
  eventHeader: 'X-GitHub-Event',
  uidOf: (headers) => deliveryHeader(headers, 'x-github-delivery') ?? null,
  payloadOf,
  bodyForm: 'JSON of an object',
  readers: new Map<string, ReadEvent>([
    ['push', readBy(PushEvent.transform(toPush))],
    ['pull_request', readBy(PullRequestEvent.transform(toRequestEvent))],
    ['check_run', readBy(CheckRunEvent.transform(toCheckRunEvent))],
    ['check_suite', readBy(CheckSuiteEvent.transform(toCheckSuiteEvent))],
    ['installation', ofInstallations],
    ['installation_repositories', ofInstallations],
  ]),
  whyIgnored: unusedReason,
  repository: z
    .object({ repository: EventRepository })
    .transform(({ repository }) => toRepositoryHint(repository)),
  peekSlug: (body) => Peeked.safeParse(peekPayload(body)).data?.repository.full_name,
});

function unusedReason(name: string): string {
  const shown = /^[a-z_]{1,40}$/.test(name) ? name : 'of an unknown name';
  return name === 'ping' ? 'It is a ping.' : `The event ${shown} is not used.`;
}
