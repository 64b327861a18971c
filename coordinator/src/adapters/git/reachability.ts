/** Whether a branch or a tag of the repository itself leads to a revision now. That the server has it says nothing. */
import { type GitRef, parseGitRef } from '@argunix/shared/domain/git-ref';
import type { Sha } from '@argunix/shared/domain/sha';
import type { Access } from './access.ts';
import { failed } from './git-trouble.ts';
import type { Mirrors } from './mirror.ts';
import { ALL_HEADS, inMirror } from './mirror-fetch.ts';
import type { Git } from './run-git.ts';

// One is enough; some may have names that no GitRef can hold.
const MAX_ASKED = 100;

export async function findReachingRef(
  { git, mirrors }: { readonly git: Git; readonly mirrors: Mirrors },
  { mirrorDir, access }: { readonly mirrorDir: string; readonly access: Access },
  sha: Sha,
  signal: AbortSignal,
): Promise<GitRef | undefined> {
  const wanted = { refspecs: ALL_HEADS, like: sha };
  const found = await mirrors.refresh(mirrorDir, access, wanted, signal, async () => {
    const known = await git.run({ args: inMirror(mirrorDir, 'cat-file', '-e', `${sha}^{commit}`), signal });
    if (known.code !== 0) {
      return undefined;
    }
    const { code, stdout, stderr } = await git.run({
      args: inMirror(
        mirrorDir,
        ...['for-each-ref', `--contains=${sha}`, `--count=${MAX_ASKED}`],
        ...['--format=%(refname)', 'refs/argunix/all/'],
      ),
      signal,
    });
    if (code !== 0) {
      throw failed(`what reaches ${sha} could not be found out`, stderr);
    }
    return stdout
      .split('\n')
      .filter((name) => name !== '')
      .map((name) => parseGitRef(name.replace(/^refs\/argunix\/all\//, 'refs/')))
      .find((ref) => ref !== undefined);
  });
  return found === 'absent' ? undefined : found;
}
