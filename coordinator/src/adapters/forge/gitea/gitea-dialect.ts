/** How Gitea and Forgejo write their deliveries. */
import { type GitRef, parseGitRef } from '@argunix/shared/domain/git-ref';
import { isZeroSha } from '@argunix/shared/domain/sha';
import { z } from 'zod';
import type { ForgeEvent, RepositoryHint } from '../../../domain/forge-event.ts';
import type { DeliveryDialect, DeliveryHeaders, ParsedDelivery } from '../../../ports/forge-deliveries.ts';
import { malformed, malformedBy, parseDeliveryBody } from '../delivery-body.ts';
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
const About = z.object({ repository: Repository });

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

export const giteaDialect: DeliveryDialect = {
  judgeSignature(headers, body, secrets) {
    const own = giteaHeader(headers, 'signature');
    const hub = /^sha256=(.+)$/.exec(deliveryHeader(headers, 'x-hub-signature-256') ?? '')?.[1];
    return judgeHmac(own ?? hub, body, secrets);
  },

  parse(headers, body) {
    const name = giteaHeader(headers, 'event');
    if (name === undefined) {
      return malformed('expected the header X-Gitea-Event or X-Forgejo-Event');
    }
    const payload = parseDeliveryBody(body);
    if (payload === undefined) {
      return malformed('expected JSON of an object; a hook of this forge may also send a form, and must not');
    }
    const told = readEvent(name, payload);
    return told.kind === 'malformed' ? told : toDelivery(headers, payload, told.event);
  },

  peekSlug(body) {
    const named = z
      .object({ repository: z.object({ full_name: z.string() }) })
      .safeParse(parseDeliveryBody(body));
    return named.data?.repository.full_name;
  },
};

type ReadEvent =
  | { readonly kind: 'event'; readonly event: ForgeEvent }
  | Extract<ParsedDelivery, { readonly kind: 'malformed' }>;

function readEvent(name: string, payload: object): ReadEvent {
  switch (name) {
    case 'push':
      return read(PushHook.safeParse(payload), toPushEvent);
    case 'delete':
      return read(DeleteHook.safeParse(payload), (ref) => ({ kind: 'deleted', ref }));
    case 'pull_request':
      return readPullRequest(payload);
    case 'create':
      return ignored('a push says the same of a new branch or tag');
    default:
      return ignored('nothing of this event is to be built');
  }
}

function readPullRequest(payload: object): ReadEvent {
  const closed = ClosedPullRequest.safeParse(payload);
  return closed.success
    ? { kind: 'event', event: { kind: 'closed', number: closed.data.number } }
    : read(PullRequestHook.safeParse(payload), toPullRequestEvent);
}

function read<Hook>(result: z.ZodSafeParseResult<Hook>, toEvent: (hook: Hook) => ForgeEvent): ReadEvent {
  return result.success ? { kind: 'event', event: toEvent(result.data) } : malformedBy(result.error);
}

function ignored(reason: string): ReadEvent {
  return { kind: 'event', event: { kind: 'ignored', reason } };
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

function toDelivery(headers: DeliveryHeaders, payload: object, event: ForgeEvent): ParsedDelivery {
  const about = About.safeParse(payload);
  if (!about.success && event.kind !== 'ignored') {
    return malformedBy(about.error);
  }
  return {
    kind: 'delivery',
    uid: giteaHeader(headers, 'delivery') ?? null,
    repository: about.success ? toHint(about.data.repository) : null,
    event,
  };
}

function toHint(repository: z.infer<typeof Repository>): RepositoryHint {
  return {
    slug: repository.full_name,
    isPrivate: isPrivateRepository(repository),
    defaultBranch: repository.default_branch,
  };
}
