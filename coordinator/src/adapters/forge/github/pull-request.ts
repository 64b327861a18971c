/** A pull request as GitHub writes it, in answers and deliveries alike. */
import { z } from 'zod';
import type { OpenRequest } from '../../../domain/forge-event.ts';
import { WireBranch, WireNumber, WireRevision } from '../wire-values.ts';

const RepositoryName = z.object({ full_name: z.string() });

export const PullRequest = z.object({
  number: WireNumber,
  state: z.string(),
  draft: z.boolean().catch(false),
  /** Null where the account is gone. */
  user: z
    .object({ login: z.string().min(1) })
    .nullable()
    .catch(null),
  head: z.object({
    ref: z.string(),
    sha: WireRevision,
    /** Null where the fork is gone. */
    repo: RepositoryName.nullable().catch(null),
  }),
  base: z.object({ ref: WireBranch, repo: RepositoryName }),
});
export type PullRequest = z.infer<typeof PullRequest>;

// The account that GitHub shows in place of one that is gone; it may push nowhere.
const NOBODY = 'ghost';

export function toOpenRequest({ number, draft, user, head, base }: PullRequest): OpenRequest {
  return {
    number,
    headSha: head.sha,
    headName: head.ref,
    baseRef: base.ref,
    isFromHere: head.repo?.full_name === base.repo.full_name,
    author: user?.login ?? NOBODY,
    isDraft: draft,
  };
}
