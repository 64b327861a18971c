/**
 * What a forge can be asked and told; one object for each forge of the configuration, whatever its kind.
 *
 * Every method may be called by several at once, takes a signal that ends it, and throws an AppError:
 * `forge.unauthorized` for a 401 (the credential itself does not work), `forge.forbidden` for a 403, or a 404 where the
 * repository is there for all we know (the sentence names the scope or role that is missing), `forge.rate-limited` with
 * `details.retryAfterMs`, `forge.unreachable` and `forge.failed` where trying again later may work, `forge.refused`
 * where it will not.
 */

import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';
import type { Secret } from '@argunix/shared/kit/secret';
import type { Login, OpenRequest } from '../domain/forge-event.ts';

export interface RepositoryFacts {
  readonly isPrivate: boolean;
  readonly defaultBranch: GitRef | null;
  readonly webUrl: string;
}

/** `later`: the forge is still working it out. `none`: there is no merge of exactly this head, with the reason. */
export type MergeResult =
  | { readonly kind: 'merge'; readonly sha: Sha; readonly ref: string }
  | { readonly kind: 'later' }
  | { readonly kind: 'none'; readonly reason: string };

export type CheckState =
  | 'pending'
  | 'success'
  | 'failure'
  | 'error'
  /** Cancelled, superseded: no verdict was reached, and none will be. */
  | 'cancelled'
  /** A person has to approve. */
  | 'action_required';

/** One line below a commit at the forge, as it is to be from now on. */
export interface ForgeCheck {
  readonly sha: Sha;
  readonly context: string;
  readonly state: CheckState;
  /** At most 140 characters, one line. */
  readonly description: string;
  readonly url: string;
  /** Markdown, for forges that show it; within what the forge takes, the adapter cuts it. */
  readonly summary: string | null;
  /** Comes back in `rerun` and `approve`. */
  readonly externalId: string;
  /** What `post` answered for the same (sha, context) before; null the first time. */
  readonly handle: string | null;
  /** Of a request: some forges tie a check to it. */
  readonly ref: GitRef | null;
}

export interface CloneCredential {
  readonly username: string;
  readonly password: Secret;
}

export interface Forge {
  readonly name: string;
  readonly kind: 'github' | 'gitlab' | 'forgejo';
  /** Whether `post` shows markdown and a button that runs it again. */
  readonly showsMarkdown: boolean;
  readonly links: ForgeLinks;
  /** The cheapest question that needs the credential; resolves when it works. */
  probe(signal: AbortSignal): Promise<void>;
  repository(slug: RepositorySlug, signal: AbortSignal): Promise<RepositoryFacts>;
  /** All of them, however many pages. */
  openRequests(slug: RepositorySlug, signal: AbortSignal): Promise<readonly OpenRequest[]>;
  /** Whether this login may push to the repository now; false for a login that is nobody's. */
  mayPush(slug: RepositorySlug, login: Login, signal: AbortSignal): Promise<boolean>;
  /** Asks for the merge of a request into its base; may make the forge work it out. */
  mergeResult(
    slug: RepositorySlug,
    request: { readonly number: number; readonly headSha: Sha },
    signal: AbortSignal,
  ): Promise<MergeResult>;
  /** The ref under which the base repository serves the head of a request. */
  headRef(number: number): string;
  /** Shows this check. Posting what is already shown is no error. Answers the handle for the next post, null where none is needed. */
  post(slug: RepositorySlug, check: ForgeCheck, signal: AbortSignal): Promise<string | null>;
  /** Where to clone it from by https, without credentials. */
  cloneUrl(slug: RepositorySlug): string;
  /** Good for some minutes at least; asked anew for every use. */
  cloneCredential(slug: RepositorySlug, signal: AbortSignal): Promise<CloneCredential>;
  /** Reads the credential again. */
  refresh(): void;
}

/** In the forge's own style. */
export interface ForgeLinks {
  repository(slug: RepositorySlug): string;
  commit(slug: RepositorySlug, sha: Sha): string;
  branch(slug: RepositorySlug, name: string): string;
  tag(slug: RepositorySlug, name: string): string;
  request(slug: RepositorySlug, number: number): string;
}
