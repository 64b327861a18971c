/** Deliveries in the form of the examples that GitLab documents, with values of our own. */
import { createHmac } from 'node:crypto';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { Secret } from '@argunix/shared/kit/secret';
import { describe, expect, it } from 'vitest';
import { gitLabDialect } from '../../../src/adapters/forge/gitlab/gitlab-dialect.ts';
import type { ForgeEvent, OpenRequest, RepositoryHint } from '../../../src/domain/forge-event.ts';
import type { DeliveryHeaders } from '../../../src/ports/forge-deliveries.ts';
import { toRef, toSha, toSlug } from '../contract/sample.ts';
import { describeDialect } from '../forge-contract.ts';
import type { DeliveryCase } from '../forge-subject.ts';
import { readDelivery } from '../read-delivery.ts';

const BEFORE = toSha('1f0c5b8e6a3d4c2b9e7f8a1d2c3b4a5f6e7d8c9b');
const AFTER = toSha('2a9d8c7b6f5e4d3c2b1a0f9e8d7c6b5a4f3e2d1c');
const MAIN = toRef('refs/heads/main');
const HARBOUR: RepositoryHint = { slug: toSlug('sea/port/harbour'), isPrivate: true, defaultBranch: MAIN };
const UID = '9c7a1e52-6f0f-4d51-9a55-2b9d1c7c3a10';
const USUAL: OpenRequest = {
  number: 7,
  headSha: AFTER,
  headName: 'topic/one',
  baseRef: MAIN,
  isFromHere: true,
  author: 'mara',
  isDraft: false,
};

function headersOf(event: string): DeliveryHeaders {
  return {
    'content-type': 'application/json',
    'user-agent': 'GitLab/18.4.0',
    'idempotency-key': UID,
    'x-gitlab-event': event,
    'x-gitlab-webhook-uuid': '6f6a3c1e-0000-4000-8000-000000000001',
    'x-gitlab-event-uuid': '6f6a3c1e-0000-4000-8000-000000000002',
    'x-gitlab-instance': 'https://gitlab.example.com',
  };
}

function aCase(name: string, header: string, event: ForgeEvent, repository: RepositoryHint | null = HARBOUR) {
  const expected = { kind: 'delivery' as const, uid: UID, repository, event };
  const payload = readDelivery(import.meta.dirname, name);
  return { title: name.replaceAll('-', ' '), headers: headersOf(header), payload, expected };
}

function aMergeRequest(
  name: string,
  { pusher = null, ...over }: Partial<OpenRequest> & { readonly pusher?: string | null },
): DeliveryCase {
  const request = { ...USUAL, ...over };
  return aCase(`merge-request-${name}`, 'Merge Request Hook', { kind: 'request', request, pusher });
}

function anIgnored(name: string): DeliveryCase {
  return aCase(name, 'Merge Request Hook', { kind: 'ignored', reason: expect.stringMatching(/./) as string });
}

const CASES: readonly DeliveryCase[] = [
  aCase('push', 'Push Hook', { kind: 'push', ref: MAIN, sha: AFTER, before: BEFORE }),
  aCase('push-new-branch', 'Push Hook', {
    kind: 'push',
    ref: toRef('refs/heads/topic/one'),
    sha: AFTER,
    before: null,
  }),
  aCase('push-branch-deleted', 'Push Hook', { kind: 'deleted', ref: toRef('refs/heads/topic/one') }),
  aCase('tag-push-annotated', 'Tag Push Hook', {
    kind: 'push',
    ref: toRef('refs/tags/v1.0'),
    sha: AFTER,
    before: null,
  }),
  aCase('tag-push-deleted', 'Tag Push Hook', { kind: 'deleted', ref: toRef('refs/tags/v1.0') }),
  aMergeRequest('open', { pusher: 'mara' }),
  aMergeRequest('open-from-fork', { author: 'otto', isFromHere: false, pusher: 'otto' }),
  aMergeRequest('open-draft', { isDraft: true, pusher: 'mara' }),
  // Otto's, reopened by Mara: a maintainer's touch makes nobody the author.
  aMergeRequest('reopen-by-maintainer', { author: 'otto', isFromHere: false }),
  aMergeRequest('update-new-commits', { pusher: 'mara' }),
  aMergeRequest('update-new-commits-by-maintainer', { author: '#9', isFromHere: false, pusher: 'mara' }),
  aMergeRequest('update-target-branch', { baseRef: toRef('refs/heads/release/1') }),
  aMergeRequest('update-ready', {}),
  aMergeRequest('update-ready-by-title', {}),
  anIgnored('merge-request-update-drafted'),
  anIgnored('merge-request-update-title-only'),
  anIgnored('merge-request-update-labels'),
  anIgnored('merge-request-approved'),
  anIgnored('merge-request-open-without-commits'),
  aCase('merge-request-close', 'Merge Request Hook', { kind: 'closed', number: 7 }),
  aCase('merge-request-merge', 'Merge Request Hook', { kind: 'closed', number: 7 }),
  { ...anIgnored('pipeline'), headers: headersOf('Pipeline Hook') },
  aCase(
    'system-hook',
    'System Hook',
    { kind: 'ignored', reason: expect.stringMatching(/./) as string },
    null,
  ),
];

function standardWebhook(body: Buffer, key: Buffer | string, atMs: number): DeliveryHeaders {
  const timestamp = String(Math.floor(atMs / 1000));
  const digest = createHmac('sha256', key).update(`${UID}.${timestamp}.`).update(body).digest('base64');
  return { 'webhook-id': UID, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}` };
}

describeDialect({
  name: 'GitLab’s deliveries, with a secret token',
  dialect: gitLabDialect,
  sign: (_, secret) => ({ 'x-gitlab-token': secret }),
  cases: CASES,
});

describeDialect({
  name: 'GitLab’s deliveries, signed',
  dialect: gitLabDialect,
  sign: standardWebhook,
  cases: CASES,
});

describe('the signature of GitLab', () => {
  const now = toEpochMs(Date.parse('2026-03-01T12:00:00Z'));
  const body = Buffer.from('{"object_kind":"push"}');
  const key = Buffer.alloc(32, 7);
  const token = `whsec_${key.toString('base64')}`;
  const signed = standardWebhook(body, key, now);

  function judge(headers: DeliveryHeaders, secret: string, given = body): string {
    return gitLabDialect.judgeSignature(headers, given, [new Secret(secret)], now);
  }

  it.each([
    ['a signing token as GitLab shows it', token],
    ['the key in base64 without its prefix', key.toString('base64')],
    ['the key in base64 for URLs', key.toString('base64url')],
    ['a signing token without padding', token.replace(/=+$/, '')],
  ])('%s is its secret', (_, secret) => {
    expect(judge(signed, secret)).toBe('good');
  });

  it('one of several signatures suffices', () => {
    const own = String(signed['webhook-signature']);
    const other = String(standardWebhook(body, 'other', now)['webhook-signature']);

    expect(judge({ ...signed, 'webhook-signature': `${other} v2,x ${own}` }, token)).toBe('good');
  });

  it('a body, an id or a time that was changed is bad', () => {
    expect(judge(signed, token, Buffer.from('{}'))).toBe('bad');
    expect(judge({ ...signed, 'webhook-id': 'other' }, token)).toBe('bad');
    expect(judge({ ...signed, 'webhook-timestamp': '1700000000' }, token)).toBe('bad');
  });

  it('more than five minutes old, or ahead, is stale; not so if nobody signed it', () => {
    expect(judge(standardWebhook(body, key, now - 299_000), token)).toBe('good');
    expect(judge(standardWebhook(body, key, now - 302_000), token)).toBe('stale');
    expect(judge(standardWebhook(body, key, now + 302_000), token)).toBe('stale');
    expect(judge(standardWebhook(body, 'other', now - 302_000), token)).toBe('bad');
  });

  it('a wrong signature is not saved by the right token', () => {
    expect(judge({ ...standardWebhook(body, 'other', now), 'x-gitlab-token': token }, token)).toBe('bad');
  });

  it('a secret that only looks like base64 of a few bytes is no key of a few bytes', () => {
    const short = Buffer.from('abcd', 'base64');

    expect(judge(standardWebhook(body, short, now), 'abcd')).toBe('bad');
    expect(judge(standardWebhook(body, Buffer.alloc(0), now), 'abcd')).toBe('bad');
  });
});

describe('the id of a delivery of GitLab', () => {
  const payload = Buffer.from(JSON.stringify(readDelivery(import.meta.dirname, 'push')));

  it('is not a header that is new each time it is sent, or shared by several', () => {
    const { 'idempotency-key': _, ...headers } = headersOf('Push Hook');

    expect(gitLabDialect.parse(headers, payload)).toMatchObject({ kind: 'delivery', uid: null });
  });

  it('is what was signed, where it was signed', () => {
    const headers = { ...headersOf('Push Hook'), 'webhook-id': 'msg_1' };

    expect(gitLabDialect.parse(headers, payload)).toMatchObject({ uid: 'msg_1' });
  });
});
