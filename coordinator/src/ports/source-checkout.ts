import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import type { FlakeSource } from './evaluator.ts';
import type { Head } from './repository-store.ts';

export interface Source {
  readonly repositoryId: RepositoryId;
  /** Any URL or path that git takes; never one with credentials in it. */
  readonly url: string;
  /** Read when used, handed to git by its credential helper, for this URL's host alone. */
  readonly tokenPath: string | null;
}

export interface RemoteHeads {
  readonly heads: readonly Head[];
  readonly defaultBranch: GitRef | null;
}

export interface SourceCheckout {
  /**
   * Branches and tags at the source; a tag object counts as the revision that it names. Names that are no valid text are
   * left out. An empty answer is a repository without branches, never a server that is something else.
   * Throws `git.unreachable`, `git.refused` (the URL itself), what reading the token throws, and the signal's reason
   * when it aborts.
   */
  look(source: Source, signal: AbortSignal): Promise<RemoteHeads>;
  /**
   * A worktree of exactly `sha`, with submodules and large files where the revision declares them. `ref` is where to
   * look for it when the server does not give out bare revisions. Throws `git.missing-revision` when a force-push took
   * it away, `git.refused` for what the revision asks and does not get (no commit, a submodule by a forbidden URL, a
   * file name that cannot be), `git.failed`, and what `look` throws. Whatever it throws, no worktree is left behind.
   * Callers may be concurrent, also for one repository, not for one evaluation.
   */
  checkOut(
    source: Source,
    revision: { readonly sha: Sha; readonly ref: GitRef },
    evaluationId: EvaluationId,
    signal: AbortSignal,
  ): Promise<FlakeSource>;
  /** The tree of a revision: equal for revisions with the same files. Fetches like `checkOut`, and throws what it throws. */
  treeOf(
    source: Source,
    revision: { readonly sha: Sha; readonly ref: GitRef },
    signal: AbortSignal,
  ): Promise<Sha>;
  /** Removes the worktree of an evaluation; nothing when there is none. */
  remove(evaluationId: EvaluationId): Promise<void>;
  /** Removes worktrees that no living evaluation owns: what a crash left behind. */
  sweep(living: ReadonlySet<EvaluationId>): Promise<void>;
}
