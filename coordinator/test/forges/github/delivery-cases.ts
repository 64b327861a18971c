/** Deliveries that GitHub really sent, and what each is to us. */
import { createHmac } from 'node:crypto';
import { gitHubDialect } from '../../../src/adapters/forge/github/dialect.ts';
import type { ForgeEvent, OpenRequest, RepositoryHint } from '../../../src/domain/forge-event.ts';
import type { DeliveryHeaders } from '../../../src/ports/forge-deliveries.ts';
import { toRef, toSha, toSlug } from '../contract/sample.ts';
import type { DeliveryCase, DialectContract } from '../forge-subject.ts';
import { part, recordedDelivery } from './recorded.ts';

type Payload = Record<string, unknown>;

const UID = '72d3162e-cc78-11e3-81ab-4c9367dc0958';
const PUSHED = toSha('6113728f27ae82c7b1a177c8d03f9e96e0adf246');
const HELLO: RepositoryHint = {
  slug: toSlug('Codertocat/Hello-World'),
  isPrivate: false,
  defaultBranch: toRef('refs/heads/master'),
};
const REQUEST: OpenRequest = {
  number: 2,
  headSha: toSha('ec26c3e57ca3a959ca5aad62de7213c562f8c821'),
  headName: 'changes',
  baseRef: toRef('refs/heads/master'),
  isFromHere: true,
  author: 'Codertocat',
  isDraft: false,
};

export function headersOf(event: string): DeliveryHeaders {
  return { 'x-github-event': event, 'x-github-delivery': UID, 'content-type': 'application/json' };
}

function told(
  title: string,
  event: string,
  payload: unknown,
  expected: ForgeEvent,
  repository: RepositoryHint | null = HELLO,
): DeliveryCase {
  return {
    title,
    headers: headersOf(event),
    payload,
    expected: { kind: 'delivery', uid: UID, repository, event: expected },
  };
}

function pull(action: string, change: (payload: Payload) => Payload = (payload) => payload): Payload {
  return change(recordedDelivery('pull_request', (payload) => payload['action'] === action));
}

/** The request comes from a fork of somebody else, who is not who caused the delivery. */
function fromFork(payload: Payload): Payload {
  const request = part(payload, 'pull_request');
  const head = part(request, 'head');
  return {
    ...payload,
    pull_request: {
      ...request,
      user: { ...part(request, 'user'), login: 'stranger' },
      head: { ...head, repo: { ...part(head, 'repo'), id: 1, full_name: 'stranger/Hello-World' } },
    },
  };
}

function branchPush(over: Payload): Payload {
  return { ...recordedDelivery('push', (payload) => payload['ref'] === 'refs/heads/master'), ...over };
}

const tagPush = recordedDelivery('push', (payload) => payload['deleted'] === false);
const retargeted = {
  ...pull('opened'),
  action: 'edited',
  changes: { base: { ref: { from: 'old' }, sha: { from: 'x' } } },
};
const renamed = { ...pull('opened'), action: 'edited', changes: { title: { from: 'old' } } };
const rerun = recordedDelivery('check_run', (payload) => payload['action'] === 'rerequested');
const button = recordedDelivery('check_run', (payload) => payload['action'] === 'requested_action');
const suite = recordedDelivery('check_suite', (payload) => payload['action'] === 'rerequested');
const RERUN_SHA = toSha(String(part(rerun, 'check_run')['head_sha']));
const BUTTON_SHA = toSha(String(part(button, 'check_run')['head_sha']));
const SUITE_SHA = toSha(String(part(suite, 'check_suite')['head_sha']));

function hintOf(payload: Payload): RepositoryHint {
  const repository = part(payload, 'repository');
  return {
    slug: toSlug(String(repository['full_name'])),
    isPrivate: repository['private'] === true,
    defaultBranch: toRef(`refs/heads/${String(repository['default_branch'])}`),
  };
}

function ofRun(payload: Payload, externalId: string): Payload {
  return { ...payload, check_run: { ...part(payload, 'check_run'), external_id: externalId } };
}

const NOT_TELLING = 'What was done to the request changes neither its head nor its base.';

export const CASES: readonly DeliveryCase[] = [
  told('a new branch', 'push', branchPush({}), {
    kind: 'push',
    ref: toRef('refs/heads/master'),
    sha: PUSHED,
    before: null,
  }),
  told('a push to a branch', 'push', branchPush({ before: 'b'.repeat(40) }), {
    kind: 'push',
    ref: toRef('refs/heads/master'),
    sha: PUSHED,
    before: toSha('b'.repeat(40)),
  }),
  told('a tag', 'push', tagPush, {
    kind: 'push',
    ref: toRef('refs/tags/simple-tag'),
    sha: PUSHED,
    before: null,
  }),
  told(
    'an annotated tag, whose commit is another object',
    'push',
    { ...tagPush, after: 'd'.repeat(40) },
    {
      kind: 'push',
      ref: toRef('refs/tags/simple-tag'),
      sha: PUSHED,
      before: null,
    },
  ),
  told(
    'a tag that was deleted',
    'push',
    recordedDelivery('push', (payload) => payload['deleted'] === true),
    { kind: 'deleted', ref: toRef('refs/tags/simple-tag') },
  ),
  told(
    'a branch that was deleted',
    'push',
    branchPush({ deleted: true, after: '0'.repeat(40), before: PUSHED, head_commit: null }),
    { kind: 'deleted', ref: toRef('refs/heads/master') },
  ),
  told(
    'a branch that is gone by its zeros alone',
    'push',
    branchPush({ deleted: undefined, after: '0'.repeat(40) }),
    {
      kind: 'deleted',
      ref: toRef('refs/heads/master'),
    },
  ),
  told('a push to neither branch nor tag', 'push', branchPush({ ref: 'refs/notes/commits' }), {
    kind: 'ignored',
    reason: 'The ref is neither a branch nor a tag.',
  }),
  told('a request that is opened: its author pushed it', 'pull_request', pull('opened'), {
    kind: 'request',
    request: REQUEST,
    pusher: 'Codertocat',
  }),
  told('a request of a fork', 'pull_request', pull('opened', fromFork), {
    kind: 'request',
    request: { ...REQUEST, isFromHere: false, author: 'stranger' },
    pusher: 'stranger',
  }),
  told(
    'a push to a request: who caused it pushed it, whoever opened it',
    'pull_request',
    pull('synchronize', fromFork),
    {
      kind: 'request',
      request: { ...REQUEST, isFromHere: false, author: 'stranger' },
      pusher: 'Codertocat',
    },
  ),
  told('a request that is opened again: nobody knows who pushed', 'pull_request', pull('reopened'), {
    kind: 'request',
    request: REQUEST,
    pusher: null,
  }),
  told('a draft that is ready', 'pull_request', pull('ready_for_review'), {
    kind: 'request',
    request: REQUEST,
    pusher: null,
  }),
  told('a request that became a draft', 'pull_request', pull('converted_to_draft'), {
    kind: 'request',
    request: { ...REQUEST, isDraft: true },
    pusher: null,
  }),
  told('a request with another base', 'pull_request', retargeted, {
    kind: 'request',
    request: REQUEST,
    pusher: null,
  }),
  told('a request with another title', 'pull_request', renamed, { kind: 'ignored', reason: NOT_TELLING }),
  told('a label', 'pull_request', pull('labeled'), { kind: 'ignored', reason: NOT_TELLING }),
  told('a request that is closed', 'pull_request', pull('closed'), { kind: 'closed', number: 2 }),
  told(
    'a run to run again',
    'check_run',
    ofRun(rerun, 'evaluation:12:job:34'),
    { kind: 'rerun', sha: RERUN_SHA, of: { evaluationId: 12, jobId: 34 }, by: 'octocat' },
    hintOf(rerun),
  ),
  told(
    'a run of an evaluation to run again',
    'check_run',
    ofRun(rerun, 'evaluation:12'),
    { kind: 'rerun', sha: RERUN_SHA, of: { evaluationId: 12, jobId: null }, by: 'octocat' },
    hintOf(rerun),
  ),
  told(
    'a run without our id to run again',
    'check_run',
    ofRun(rerun, 'somebody:else'),
    { kind: 'rerun', sha: RERUN_SHA, of: null, by: 'octocat' },
    hintOf(rerun),
  ),
  told(
    'the button that approves',
    'check_run',
    { ...ofRun(button, 'evaluation:12'), requested_action: { identifier: 'approve' } },
    {
      kind: 'approve',
      sha: BUTTON_SHA,
      of: { evaluationId: 12, jobId: null },
      by: String(part(button, 'sender')['login']),
    },
    hintOf(button),
  ),
  told(
    'another button',
    'check_run',
    button,
    { kind: 'ignored', reason: 'It is about a check run, but is no button of ours.' },
    hintOf(button),
  ),
  told(
    'a suite to run again',
    'check_suite',
    suite,
    { kind: 'rerun', sha: SUITE_SHA, of: null, by: String(part(suite, 'sender')['login']) },
    hintOf(suite),
  ),
  told('an installation', 'installation', recordedDelivery('installation'), { kind: 'installations' }, null),
  told(
    'repositories of an installation',
    'installation_repositories',
    recordedDelivery('installation_repositories'),
    { kind: 'installations' },
    null,
  ),
  told(
    'a ping',
    'ping',
    recordedDelivery('ping'),
    { kind: 'ignored', reason: 'It is a ping.' },
    hintOf(recordedDelivery('ping')),
  ),
  told(
    'an event that is not used',
    'star',
    recordedDelivery('star'),
    { kind: 'ignored', reason: 'The event star is not used.' },
    hintOf(recordedDelivery('star')),
  ),
];

export function sign(body: Buffer, secret: string): DeliveryHeaders {
  return { 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
}

export const DIALECT: DialectContract = {
  name: 'deliveries of GitHub',
  dialect: gitHubDialect,
  sign,
  cases: CASES,
};
