import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';
import type { FlakeSource } from './evaluator.ts';
import type { Head } from './repository-store.ts';

/** Plain data: sources are compared to see whether a configuration changed. */
export interface Source {
  readonly repositoryId: RepositoryId;
  /** Any URL or path that git takes; never one with credentials in it. */
  readonly url: string;
  /** Null: as anybody, and over SSH as the user that runs us. */
  readonly credential: SourceCredential | null;
  /** What trusted revisions may fetch with this credential besides the repository itself. */
  readonly fetchable: readonly FetchableRepository[];
}

/** Where a credential comes from. It is asked for at each use, and reaches git for the path of one repository alone. */
export type SourceCredential =
  /** A file with a token or password of one line. */
  | { readonly kind: 'file'; readonly path: string }
  /** What a forge of the configuration says is good for this repository now. */
  | { readonly kind: 'forge'; readonly forge: string; readonly slug: RepositorySlug }
  /** A private key, for an SSH URL: this one, and no other key, agent or setting of the user that runs us. */
  | { readonly kind: 'ssh_key'; readonly path: string };

/** Of the same forge as the source. */
export interface FetchableRepository {
  readonly slug: RepositorySlug;
  /** As `Source.url`. */
  readonly url: string;
}

export interface RemoteHeads {
  readonly heads: readonly Head[];
  readonly defaultBranch: GitRef | null;
}

export interface SourceCheckout {
  /**
   * Branches and tags at the source; a tag object counts as the revision that it names. Names that are no valid text are
   * left out. An empty answer is a repository without branches, never a server that is something else.
   * Throws `git.unreachable`, `git.refused` (the URL itself), what asking for the credential throws, and the signal's
   * reason when it aborts.
   */
  look(source: Source, signal: AbortSignal): Promise<RemoteHeads>;
  /**
   * A worktree of exactly `sha`, with submodules and large files where the revision declares them. `ref` is where to
   * look for it when the server does not give out bare revisions. `isTrusted` decides whether it gets what is
   * `fetchable`. Throws `git.missing-revision` when a force-push took it away, `git.refused` for what the revision asks
   * and does not get (no commit, a submodule by a forbidden URL, a file name that cannot be), `git.failed`, and what
   * `look` throws. Whatever it throws, no worktree is left behind.
   * Callers may be concurrent, also for one repository, not for one evaluation.
   */
  checkOut(
    source: Source,
    revision: { readonly sha: Sha; readonly ref: GitRef; readonly isTrusted: boolean },
    evaluationId: EvaluationId,
    signal: AbortSignal,
  ): Promise<FlakeSource>;
  /** The tree of a revision: equal for revisions with the same files. Fetches like `checkOut`, and throws what it throws. */
  treeOf(
    source: Source,
    revision: { readonly sha: Sha; readonly ref: GitRef },
    signal: AbortSignal,
  ): Promise<Sha>;
  /**
   * The commit that `ref` (`refs/pull/7/merge`) names now, when one of its parents is exactly `head`; undefined when
   * none is, or there is no such ref. Throws what `look` throws.
   */
  fetchMerge(
    source: Source,
    merge: { readonly ref: string; readonly head: Sha },
    signal: AbortSignal,
  ): Promise<Sha | undefined>;
  /**
   * A branch or tag of the repository from which `sha` can be reached now; undefined when there is none, whatever other
   * refs and forks the server gives out. Throws what `look` throws.
   */
  isReachable(source: Source, sha: Sha, signal: AbortSignal): Promise<GitRef | undefined>;
  /** Removes the worktree of an evaluation; nothing when there is none. */
  remove(evaluationId: EvaluationId): Promise<void>;
  /** Removes worktrees that no living evaluation owns: what a crash left behind. */
  sweep(living: ReadonlySet<EvaluationId>): Promise<void>;
}
