import { isZeroSha } from '@argunix/shared/domain/sha';
import { z } from 'zod';
import type { ForgeEvent } from '../../../domain/forge-event.ts';
import { WireRef, WireRevision, WireSha } from '../wire-values.ts';

export const PushEvent = z.object({
  ref: WireRef,
  /** Null where the ref is new. */
  before: WireRevision.nullable().catch(null),
  after: WireSha,
  deleted: z.boolean().catch(false),
  /** Of an annotated tag `after` is the tag itself, and this the commit that statuses go to. */
  head_commit: z.object({ id: WireRevision }).nullable().catch(null),
});

export function toPush({
  ref,
  before,
  after,
  deleted,
  head_commit: commit,
}: z.infer<typeof PushEvent>): ForgeEvent {
  if (!/^refs\/(?:heads|tags)\//.test(ref)) {
    return { kind: 'ignored', reason: 'The ref is neither a branch nor a tag.' };
  }
  if (deleted || isZeroSha(after)) {
    return { kind: 'deleted', ref };
  }
  const isTag = ref.startsWith('refs/tags/');
  return { kind: 'push', ref, sha: isTag && commit !== null ? commit.id : after, before };
}
