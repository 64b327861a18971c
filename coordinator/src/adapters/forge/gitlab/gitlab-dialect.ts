/** How GitLab writes its deliveries. */
import { isZeroSha } from '@argunix/shared/domain/sha';
import { z } from 'zod';
import type { ForgeEvent, RepositoryHint } from '../../../domain/forge-event.ts';
import type { DeliveryHeaders } from '../../../ports/forge-deliveries.ts';
import { createDialect, readBy } from '../create-dialect.ts';
import { parseDeliveryBody } from '../delivery-body.ts';
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

const PushHook = z.object({
  ref: WireRef,
  before: WireSha.nullable().catch(null),
  after: WireSha,
  /** The commit; `after` of a tag may be the tag itself. */
  checkout_sha: WireSha.nullable().catch(null),
});

const Peeked = z.object({ project: z.object({ path_with_namespace: z.string() }) });
const readPush = readBy(PushHook.transform(toPushEvent));

export const gitLabDialect = createDialect({
  judgeSignature: judgeGitLabSignature,
  eventOf: (headers) => deliveryHeader(headers, 'x-gitlab-event'),
  eventHeader: 'X-Gitlab-Event',
  uidOf,
  payloadOf: (_headers, body) => parseDeliveryBody(body),
  bodyForm: 'JSON of an object',
  readers: new Map([
    ['Push Hook', readPush],
    ['Tag Push Hook', readPush],
    ['Merge Request Hook', readBy(MergeRequestHook.transform(toMergeRequestEvent))],
  ]),
  whyIgnored: () => 'nothing of this event is to be built',
  repository: z.object({ project: Project }).transform(({ project }) => toHint(project)),
  peekSlug: (body) => Peeked.safeParse(parseDeliveryBody(body)).data?.project.path_with_namespace,
});

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
