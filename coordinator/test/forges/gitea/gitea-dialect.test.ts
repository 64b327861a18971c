/** Deliveries in the form of the payloads that Gitea and Forgejo describe, with values of our own. */
import { createHmac } from 'node:crypto';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { Secret } from '@argunix/shared/kit/secret';
import { describe, expect, it } from 'vitest';
import { giteaDialect } from '../../../src/adapters/forge/gitea/gitea-dialect.ts';
import type { ForgeEvent, OpenRequest, RepositoryHint } from '../../../src/domain/forge-event.ts';
import type { DeliveryHeaders } from '../../../src/ports/forge-deliveries.ts';
import { toRef, toSha, toSlug } from '../contract/sample.ts';
import { describeDialect } from '../forge-contract.ts';
import type { DeliveryCase } from '../forge-subject.ts';
import { readDelivery } from '../read-delivery.ts';

const BEFORE = toSha('1f0c5b8e6a3d4c2b9e7f8a1d2c3b4a5f6e7d8c9b');
const AFTER = toSha('2a9d8c7b6f5e4d3c2b1a0f9e8d7c6b5a4f3e2d1c');
const MAIN = toRef('refs/heads/main');
const TOPIC = toRef('refs/heads/topic/one');
const TAG = toRef('refs/tags/v1.0');
const HARBOUR: RepositoryHint = { slug: toSlug('sea/harbour'), isPrivate: false, defaultBranch: MAIN };
const UID = 'f6266f16-1bf3-46a5-9ea4-602e06ead473';
const USUAL: OpenRequest = {
  number: 7,
  headSha: AFTER,
  headName: 'topic/one',
  baseRef: MAIN,
  isFromHere: true,
  author: 'mara',
  isDraft: false,
};

type Kind = 'gitea' | 'forgejo';

/** Forgejo sends those of Gitea too. */
function headersOf(kind: Kind, event: string): DeliveryHeaders {
  return {
    'content-type': 'application/json',
    ...(kind === 'forgejo' ? { 'x-forgejo-event': event, 'x-forgejo-delivery': UID } : {}),
    'x-gitea-event': event,
    'x-gitea-event-type': event,
    'x-gitea-delivery': UID,
    'x-github-event': event,
    'x-github-delivery': UID,
  };
}

function sign(kind: Kind, body: Buffer, secret: string): DeliveryHeaders {
  const digest = createHmac('sha256', secret).update(body).digest('hex');
  return {
    ...(kind === 'forgejo' ? { 'x-forgejo-signature': digest } : {}),
    'x-gitea-signature': digest,
    'x-hub-signature-256': `sha256=${digest}`,
  };
}

function casesOf(kind: Kind): readonly DeliveryCase[] {
  function aCase(name: string, header: string, event: ForgeEvent, repository = HARBOUR): DeliveryCase {
    const expected = { kind: 'delivery' as const, uid: UID, repository, event };
    const payload = readDelivery(import.meta.dirname, name);
    return { title: name.replaceAll('-', ' '), headers: headersOf(kind, header), payload, expected };
  }
  function aPullRequest(
    name: string,
    { pusher = null, ...over }: Partial<OpenRequest> & { readonly pusher?: string | null },
  ): DeliveryCase {
    const request = { ...USUAL, ...over };
    return aCase(`pull-request-${name}`, 'pull_request', { kind: 'request', request, pusher });
  }
  function anIgnored(name: string, header: string): DeliveryCase {
    return aCase(name, header, { kind: 'ignored', reason: expect.stringMatching(/./) as string });
  }
  const isOttos = { author: 'otto', isFromHere: false } as const;

  return [
    aCase('push', 'push', { kind: 'push', ref: MAIN, sha: AFTER, before: BEFORE }),
    aCase('push-new-branch', 'push', { kind: 'push', ref: TOPIC, sha: AFTER, before: null }),
    aCase('push-annotated-tag', 'push', { kind: 'push', ref: TAG, sha: AFTER, before: null }),
    aCase('push-tag-deleted', 'push', { kind: 'deleted', ref: TAG }),
    aCase(
      'push-to-repository-of-hidden-owner',
      'push',
      { kind: 'push', ref: MAIN, sha: AFTER, before: BEFORE },
      { ...HARBOUR, isPrivate: true },
    ),
    aCase('delete-branch', 'delete', { kind: 'deleted', ref: TOPIC }),
    aCase('delete-branch-in-full', 'delete', { kind: 'deleted', ref: TOPIC }),
    aCase('delete-tag', 'delete', { kind: 'deleted', ref: TAG }),
    anIgnored('create-branch', 'create'),
    aPullRequest('opened', { pusher: 'mara' }),
    aPullRequest('opened-from-fork', { ...isOttos, pusher: 'otto' }),
    // Whoever can read may do this, though it is all in the base repository.
    aPullRequest('opened-by-push-to-refs-for', { ...isOttos, headName: 'refs/pull/7/head', pusher: 'otto' }),
    aPullRequest('opened-draft-by-title', { isDraft: true, pusher: 'mara' }),
    aPullRequest('reopened-fork-gone', isOttos),
    // Mara pushed to Otto's fork.
    aPullRequest('synchronized', { ...isOttos, pusher: 'mara' }),
    aPullRequest('edited-base', { baseRef: toRef('refs/heads/release/1') }),
    aPullRequest('edited-ready', {}),
    anIgnored('pull-request-edited-title-only', 'pull_request'),
    anIgnored('pull-request-label-updated', 'pull_request'),
    aCase('pull-request-closed', 'pull_request', { kind: 'closed', number: 7 }),
    aCase('pull-request-merged', 'pull_request', { kind: 'closed', number: 7 }),
    { ...anIgnored('push', 'issues'), title: 'something else' },
  ];
}

for (const kind of ['gitea', 'forgejo'] as const) {
  describeDialect({
    name: kind === 'gitea' ? 'Gitea’s deliveries' : 'Forgejo’s deliveries',
    dialect: giteaDialect,
    sign: (body, secret) => sign(kind, body, secret),
    // The payloads are the same, so it suffices to break them once.
    cases:
      kind === 'gitea'
        ? casesOf(kind)
        : casesOf(kind).filter(({ title }) => !/edited|draft|hidden|full/.test(title)),
  });
}

describe('the signature of Gitea', () => {
  const body = Buffer.from('{}');
  const secrets = [new Secret('s')];
  const now = toEpochMs(0);

  it('suffices in the header that GitHub’s have', () => {
    const { 'x-hub-signature-256': hub } = sign('gitea', body, 's');

    expect(giteaDialect.judgeSignature({ 'x-hub-signature-256': hub }, body, secrets, now)).toBe('good');
  });

  it('is missing where the hook has no secret, and its headers are empty', () => {
    const headers = { 'x-gitea-signature': '', 'x-hub-signature-256': 'sha256=' };

    expect(giteaDialect.judgeSignature(headers, body, secrets, now)).toBe('missing');
  });

  it('is bad in one header though it is good in another', () => {
    const headers = { ...sign('gitea', body, 's'), 'x-forgejo-signature': '0'.repeat(64) };

    expect(giteaDialect.judgeSignature(headers, body, secrets, now)).toBe('bad');
  });
});
