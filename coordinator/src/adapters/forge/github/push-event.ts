import { parseGitRef } from '@argunix/shared/domain/git-ref';
import { isZeroSha, parseSha } from '@argunix/shared/domain/sha';
import { z } from 'zod';
import type { ForgeEvent } from '../../../domain/forge-event.ts';

export const PushEvent = z.object({
  ref: z.string(),
  before: z.string().catch(''),
  after: z.string(),
  deleted: z.boolean().catch(false),
  /** Of an annotated tag `after` is the tag itself, and this the commit that statuses go to. */
  head_commit: z.object({ id: z.string() }).nullable().catch(null),
});

/** Undefined where what has to be a ref or a commit is none. */
export function toPush({
  ref: name,
  before: earlier,
  after,
  deleted,
  head_commit: commit,
}: z.infer<typeof PushEvent>): ForgeEvent | undefined {
  if (!/^refs\/(?:heads|tags)\//.test(name)) {
    return name.startsWith('refs/')
      ? { kind: 'ignored', reason: 'The ref is neither a branch nor a tag.' }
      : undefined;
  }
  const ref = parseGitRef(name);
  const pushed = parseSha(after);
  if (ref === undefined || pushed === undefined) {
    return undefined;
  }
  if (deleted || isZeroSha(pushed)) {
    return { kind: 'deleted', ref };
  }
  const tagged = name.startsWith('refs/tags/') ? parseSha(commit?.id ?? '') : undefined;
  const sha = tagged === undefined || isZeroSha(tagged) ? pushed : tagged;
  const before = parseSha(earlier);
  return { kind: 'push', ref, sha, before: before === undefined || isZeroSha(before) ? null : before };
}
