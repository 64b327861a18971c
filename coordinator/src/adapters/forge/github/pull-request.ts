/** A pull request as GitHub writes it, in answers and deliveries alike. */
import { parseGitRef } from '@argunix/shared/domain/git-ref';
import { parseSha } from '@argunix/shared/domain/sha';
import { z } from 'zod';
import type { OpenRequest } from '../../../domain/forge-event.ts';

const RepositoryName = z.object({ full_name: z.string() });

export const PullRequest = z.object({
  number: z.int().positive(),
  state: z.string(),
  draft: z.boolean().catch(false),
  /** Null where the account is gone. */
  user: z
    .object({ login: z.string().min(1) })
    .nullable()
    .catch(null),
  head: z.object({
    ref: z.string(),
    sha: z.string(),
    /** Null where the fork is gone. */
    repo: RepositoryName.nullable().catch(null),
  }),
  base: z.object({ ref: z.string(), repo: RepositoryName }),
});
export type PullRequest = z.infer<typeof PullRequest>;

// The account that GitHub shows in place of one that is gone; it may push nowhere.
const NOBODY = 'ghost';

/** Undefined where its head is no commit, or its base no branch. */
export function toOpenRequest({ number, draft, user, head, base }: PullRequest): OpenRequest | undefined {
  const headSha = parseSha(head.sha);
  const baseRef = parseGitRef(`refs/heads/${base.ref}`);
  if (headSha === undefined || baseRef === undefined) {
    return undefined;
  }
  return {
    number,
    headSha,
    headName: head.ref,
    baseRef,
    isFromHere: head.repo?.full_name === base.repo.full_name,
    author: user?.login ?? NOBODY,
    isDraft: draft,
  };
}
