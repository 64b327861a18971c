import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { Sha } from '@argunix/shared/domain/sha';

interface Head {
  readonly ref: GitRef;
  readonly sha: Sha;
}

export interface HeadChanges {
  /** Watched heads that are new or moved: each is a push. */
  readonly pushed: readonly Head[];
  /** Watched heads that we knew and that are gone. */
  readonly gone: readonly GitRef[];
}

/** What happened at a repository between two looks. A head that was never seen counts as pushed: what was missed is made up for. */
export function headChanges(
  known: readonly Head[],
  found: readonly Head[],
  isWatched: (ref: GitRef) => boolean,
): HeadChanges {
  const before = new Map(known.map(({ ref, sha }) => [ref, sha]));
  const now = new Set(found.map(({ ref }) => ref));
  return {
    pushed: found.filter(({ ref, sha }) => isWatched(ref) && before.get(ref) !== sha),
    gone: known.filter(({ ref }) => !now.has(ref) || !isWatched(ref)).map(({ ref }) => ref),
  };
}
