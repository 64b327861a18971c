/** The merge of a request as its server serves it: wanted only while it is one of exactly the head that was asked for. */
import { parseSha, type Sha } from '@argunix/shared/domain/sha';
import type { Access } from './access.ts';
import { failed } from './git-trouble.ts';
import type { Mirrors } from './mirror.ts';
import { inMirror } from './mirror-fetch.ts';
import type { Git } from './run-git.ts';

const MERGE = 'refs/argunix/merge';
// A merge of a request has two; an octopus with more than this is none.
const MAX_PARENTS = 16;

export async function fetchMerge(
  { git, mirrors }: { readonly git: Git; readonly mirrors: Mirrors },
  { mirrorDir, access }: { readonly mirrorDir: string; readonly access: Access },
  { ref, head }: { readonly ref: string; readonly head: Sha },
  signal: AbortSignal,
): Promise<Sha | undefined> {
  const wanted = { refspecs: [`+${ref}:${MERGE}`], like: head };
  const merge = await mirrors.refresh(mirrorDir, access, wanted, signal, async () => {
    const { code, stdout } = await git.run({
      args: inMirror(mirrorDir, 'rev-parse', '--verify', '--quiet', `${MERGE}^{commit}`),
      signal,
    });
    const sha = parseSha(stdout.trim());
    if (code !== 0 || sha === undefined) {
      // It names a file or a directory.
      return undefined;
    }
    const parents = await git.run({
      args: inMirror(mirrorDir, 'rev-list', '--no-walk', '--parents', '--max-count=1', sha),
      signal,
    });
    if (parents.code !== 0) {
      throw failed(`the parents of ${sha} could not be read`, parents.stderr);
    }
    const [, ...shas] = parents.stdout.trim().split(' ');
    if (shas.length > MAX_PARENTS || !shas.some((one) => one === head)) {
      return undefined;
    }
    // Held from now on: the next fetch may find another merge under this name.
    return (await mirrors.adopt(mirrorDir, sha, signal)) ? sha : undefined;
  });
  return merge === 'absent' ? undefined : merge;
}
