/**
 * What stands for the ref of a revision that no branch or tag leads to. It is no branch, so nothing that is said of a
 * branch (its badge, what is newest on it, what a push takes the place of) is said by such a revision.
 */
import { type GitRef, parseGitRef } from '@argunix/shared/domain/git-ref';
import type { Sha } from '@argunix/shared/domain/sha';

const UNREACHED = 'refs/unreached/';

export function unreachedRef(sha: Sha): GitRef {
  const ref = parseGitRef(`${UNREACHED}${sha}`);
  if (ref === undefined) {
    throw new Error('a full ref of hex digits is one');
  }
  return ref;
}

export function isUnreached(ref: string): boolean {
  return ref.startsWith(UNREACHED);
}
