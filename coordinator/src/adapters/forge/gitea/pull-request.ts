/** A pull request as Gitea and Forgejo write it, in lists and in deliveries alike. */
import { z } from 'zod';
import type { OpenRequest } from '../../../domain/forge-event.ts';
import { WireBranch, WireNumber, WireRevision } from '../wire-values.ts';

const Repository = z.object({ full_name: z.string() });

export const PullRequest = z.object({
  number: WireNumber,
  title: z.string().catch(''),
  /** Newer ones say it; before, it was the title alone that did. */
  draft: z.boolean().optional().catch(undefined),
  /** A user that was deleted is `Ghost`, who may nothing. */
  user: z.object({ login: z.string().min(1) }).catch({ login: 'Ghost' }),
  head: z.object({
    /** The branch; empty for a request that was pushed to `refs/for`. */
    label: z.string().catch(''),
    ref: z.string().catch(''),
    sha: WireRevision,
    /** Null where the fork is gone. */
    repo: Repository.nullable().catch(null),
  }),
  base: z.object({ ref: WireBranch, repo: Repository.nullable().catch(null) }),
});
export type PullRequest = z.infer<typeof PullRequest>;

export function toOpenRequest(pull: PullRequest): OpenRequest {
  const { head, base } = pull;
  return {
    number: pull.number,
    headSha: head.sha,
    headName: head.label === '' ? head.ref : head.label,
    baseRef: base.ref,
    isFromHere: isFromHere(pull),
    author: pull.user.login,
    isDraft: isDraft(pull),
  };
}

/**
 * That head and base name the same repository does not suffice: everybody who can read may make a request by a push to
 * `refs/for/…`, and its head is said to be in the base repository. Its `ref` then is no branch but `refs/pull/N/head`.
 */
function isFromHere({ head, base }: PullRequest): boolean {
  const isSame = head.repo !== null && base.repo !== null && head.repo.full_name === base.repo.full_name;
  return isSame && head.ref !== '' && !head.ref.startsWith('refs/');
}

function isDraft({ draft, title }: PullRequest): boolean {
  return draft ?? isDraftTitle(title);
}

/** By the prefixes that a server has unless its owner sets others. */
export function isDraftTitle(title: string): boolean {
  return /^\s*(?:wip:|\[wip\])/i.test(title);
}
