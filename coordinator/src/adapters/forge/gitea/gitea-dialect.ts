/** How Gitea and Forgejo write their deliveries. */
import { type GitRef, parseGitRef } from '@argunix/shared/domain/git-ref';
import { isZeroSha } from '@argunix/shared/domain/sha';
import { z } from 'zod';
import type { ForgeEvent, RepositoryHint } from '../../../domain/forge-event.ts';
import { createDialect, type ReadEvent, readBy } from '../create-dialect.ts';
import { parseDeliveryBody } from '../delivery-body.ts';
import { deliveryHeader } from '../delivery-header.ts';
import { judgeHmac } from '../hmac-signature.ts';
import { WireBranch, WireRef, WireSha, WireSlug } from '../wire-values.ts';
import { giteaHeader } from './gitea-kind.ts';
import { ClosedPullRequest, PullRequestHook, toPullRequestEvent } from './pull-request-event.ts';
import { isPrivateRepository, Visibility } from './repository-visibility.ts';

const Repository = Visibility.extend({
  full_name: WireSlug,
  default_branch: WireBranch.nullable().catch(null),
});

const PushHook = z.object({
  ref: WireRef,
  before: WireSha.nullable().catch(null),
  after: WireSha,
  /** The commit; `after` of a tag may be the tag itself. */
  head_commit: z.object({ id: WireSha }).nullable().catch(null),
});

const DeleteHook = z
  .object({ ref: z.string(), ref_type: z.enum(['branch', 'tag']) })
  .transform(({ ref, ref_type: type }, context): GitRef => {
    const full = ref.startsWith('refs/') ? ref : `refs/${type === 'tag' ? 'tags' : 'heads'}/${ref}`;
    const parsed = parseGitRef(full);
    if (parsed === undefined) {
      context.addIssue({ code: 'custom', path: ['ref'], message: 'expected the name of a branch or tag' });
      return z.NEVER;
    }
    return parsed;
  });

const Peeked = z.object({ repository: z.object({ full_name: z.string() }) });

const readClosed = readBy(ClosedPullRequest.transform(({ number }) => ({ kind: 'closed' as const, number })));
const readOpen = readBy(PullRequestHook.transform(toPullRequestEvent));

export const giteaDialect = createDialect({
  judgeSignature(headers, body, secrets) {
    const own = giteaHeader(headers, 'signature');
    const hub = /^sha256=(.+)$/.exec(deliveryHeader(headers, 'x-hub-signature-256') ?? '')?.[1];
    return judgeHmac(own ?? hub, body, secrets);
  },
  eventOf: (headers) => giteaHeader(headers, 'event'),
  eventHeader: 'X-Gitea-Event or X-Forgejo-Event',
  uidOf: (headers) => giteaHeader(headers, 'delivery') ?? null,
  payloadOf: (_headers, body) => parseDeliveryBody(body),
  bodyForm: 'JSON of an object; a hook of this forge may also send a form, and must not',
  readers: new Map<string, ReadEvent>([
    ['push', readBy(PushHook.transform(toPushEvent))],
    ['delete', readBy(DeleteHook.transform((ref) => ({ kind: 'deleted' as const, ref })))],
    ['pull_request', readPullRequest],
  ]),
  whyIgnored: (event) =>
    event === 'create'
      ? 'a push says the same of a new branch or tag'
      : 'nothing of this event is to be built',
  repository: z.object({ repository: Repository }).transform(({ repository }) => toHint(repository)),
  peekSlug: (body) => Peeked.safeParse(parseDeliveryBody(body)).data?.repository.full_name,
});

function readPullRequest(payload: object): ReturnType<ReadEvent> {
  const closed = readClosed(payload);
  return closed.success ? closed : readOpen(payload);
}

/** A tag that is deleted comes as a push too, a branch only as `delete`. */
function toPushEvent({ ref, before, after, head_commit: head }: z.infer<typeof PushHook>): ForgeEvent {
  if (isZeroSha(after)) {
    return { kind: 'deleted', ref };
  }
  const isTag = ref.startsWith('refs/tags/');
  return {
    kind: 'push',
    ref,
    sha: isTag && head !== null && !isZeroSha(head.id) ? head.id : after,
    before: isTag || before === null || isZeroSha(before) ? null : before,
  };
}

function toHint(repository: z.infer<typeof Repository>): RepositoryHint {
  return {
    slug: repository.full_name,
    isPrivate: isPrivateRepository(repository),
    defaultBranch: repository.default_branch,
  };
}
