/** How GitLab writes its deliveries. */
import { isZeroSha } from '@argunix/shared/domain/sha';
import { z } from 'zod';
import type { ForgeEvent, RepositoryHint } from '../../../domain/forge-event.ts';
import type { DeliveryDialect, DeliveryHeaders, ParsedDelivery } from '../../../ports/forge-deliveries.ts';
import { malformed, malformedBy, parseDeliveryBody } from '../delivery-body.ts';
import { deliveryHeader } from '../delivery-header.ts';
import { WireBranch, WireRef, WireSha, WireSlug } from '../wire-values.ts';
import { MergeRequestHook, toMergeRequestEvent } from './merge-request-event.ts';
import { judgeGitLabSignature } from './webhook-signature.ts';

const PUBLIC_LEVEL = 20;

/** Of a merge request's delivery too: `project` is the one that it is to be merged into. */
const Project = z.object({
  path_with_namespace: WireSlug,
  visibility_level: z.number().nullable().catch(null),
  default_branch: WireBranch.nullable().catch(null),
});
const About = z.object({ project: Project });

const PushHook = z.object({
  ref: WireRef,
  before: WireSha.nullable().catch(null),
  after: WireSha,
  /** The commit; `after` of a tag may be the tag itself. */
  checkout_sha: WireSha.nullable().catch(null),
});

export const gitLabDialect: DeliveryDialect = {
  judgeSignature: judgeGitLabSignature,

  parse(headers, body) {
    const name = deliveryHeader(headers, 'x-gitlab-event');
    if (name === undefined || name === '') {
      return malformed('expected the header X-Gitlab-Event');
    }
    const payload = parseDeliveryBody(body);
    if (payload === undefined) {
      return malformed('expected JSON of an object');
    }
    const told = readEvent(name, payload);
    return told.kind === 'malformed' ? told : toDelivery(headers, payload, told.event);
  },

  peekSlug(body) {
    const named = z
      .object({ project: z.object({ path_with_namespace: z.string() }) })
      .safeParse(parseDeliveryBody(body));
    return named.data?.project.path_with_namespace;
  },
};

type ReadEvent =
  | { readonly kind: 'event'; readonly event: ForgeEvent }
  | Extract<ParsedDelivery, { readonly kind: 'malformed' }>;

function readEvent(name: string, payload: object): ReadEvent {
  if (name === 'Push Hook' || name === 'Tag Push Hook') {
    const push = PushHook.safeParse(payload);
    return push.success ? { kind: 'event', event: toPushEvent(push.data) } : malformedBy(push.error);
  }
  if (name === 'Merge Request Hook') {
    const hook = MergeRequestHook.safeParse(payload);
    return hook.success ? { kind: 'event', event: toMergeRequestEvent(hook.data) } : malformedBy(hook.error);
  }
  return { kind: 'event', event: { kind: 'ignored', reason: 'nothing of this event is to be built' } };
}

function toPushEvent({ ref, before, after, checkout_sha: commit }: z.infer<typeof PushHook>): ForgeEvent {
  if (isZeroSha(after)) {
    return { kind: 'deleted', ref };
  }
  const isTag = ref.startsWith('refs/tags/');
  return {
    kind: 'push',
    ref,
    sha: commit === null || isZeroSha(commit) ? after : commit,
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
    uid: uidOf(headers),
    repository: about.success ? toHint(about.data.project) : null,
    event,
  };
}

/**
 * `Idempotency-Key` (17.4 and later) is what a delivery keeps when it is sent again, and `webhook-id` is the same. Not
 * X-Gitlab-Webhook-UUID, which is new each time, nor X-Gitlab-Event-UUID, which several deliveries can share.
 */
function uidOf(headers: DeliveryHeaders): string | null {
  const uid = deliveryHeader(headers, 'webhook-id') ?? deliveryHeader(headers, 'idempotency-key') ?? '';
  return uid === '' ? null : uid;
}

function toHint(project: z.infer<typeof Project>): RepositoryHint {
  return {
    slug: project.path_with_namespace,
    isPrivate: project.visibility_level === null ? null : project.visibility_level < PUBLIC_LEVEL,
    defaultBranch: project.default_branch,
  };
}
