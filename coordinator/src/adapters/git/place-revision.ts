/** Puts one revision and all that it declares into a directory: its files, its large files, its submodules in turn. */
import { join } from 'node:path';
import { AppError, isAppError } from '@argunix/shared/kit/app-error';
import type { KeyedLock } from '@argunix/shared/kit/keyed-lock';
import { type Access, anonymousAccess } from './access.ts';
import type { Grant, Grants } from './grants.ts';
import { fetchLargeFiles } from './large-files.ts';
import type { Declared, Mirrors, Revision } from './mirror.ts';
import type { Git } from './run-git.ts';
import { submoduleDir, submodulesOf } from './submodules.ts';
import { fillTree, type Tree } from './worktree.ts';

export interface Placement {
  readonly git: Git;
  readonly lock: KeyedLock;
  readonly mirrors: Mirrors;
  readonly access: Access;
  readonly grants: Grants;
  readonly accessTo: (grant: Grant) => Promise<Access>;
  readonly mirrorDir: string;
  readonly dir: string;
  readonly signal: AbortSignal;
}

// 256 in one checkout, nested ones too: each is a fetch; a revision with more is a mistake or an attack.
const MAX_SUBMODULES = 256;
// A submodule may name a revision that names submodules, and so on; without a limit they could be made up as we go.
const MAX_DEPTH = 8;

export async function placeRevision(placement: Placement, revision: Revision): Promise<Declared> {
  const { git, lock, mirrors, grants, signal } = placement;
  const modulesDir = join(placement.mirrorDir, 'modules');
  let submodules = 0;
  let hasLargeFiles = false;

  async function fill(tree: Tree, access: Access, wanted: Revision): Promise<Declared> {
    const declared = await mirrors.obtain(tree.mirrorDir, access, wanted, signal);
    const generation = mirrors.generation(tree.mirrorDir);
    if ((await fillTree(git, tree, signal)) === 'filled') {
      return declared;
    }
    const declaredAnew = await mirrors.obtain(tree.mirrorDir, access, wanted, signal, generation);
    if ((await fillTree(git, tree, signal)) === 'broken') {
      throw new AppError('git.failed', `git cannot read ${tree.sha} from the new mirror ${tree.mirrorDir}`);
    }
    return declaredAnew;
  }

  async function place(tree: Tree, access: Access, wanted: Revision, depth: number): Promise<boolean> {
    const declared = await fill(tree, access, wanted);
    if (declared.hasLargeFiles) {
      hasLargeFiles = true;
      // git-lfs writes to the mirror too.
      await lock.hold(tree.mirrorDir, signal, async () => {
        await fetchLargeFiles(git, tree, { access, grants, accessTo: placement.accessTo }, signal);
      });
    }
    if (declared.hasSubmodules) {
      const places = { base: access.url, grants, modulesDir };
      for (const one of await submodulesOf(git, tree, places, signal)) {
        submodules += 1;
        if (depth === MAX_DEPTH || submodules > MAX_SUBMODULES) {
          throw new AppError(
            'git.refused',
            `expected at most ${MAX_SUBMODULES} submodules, at most ${MAX_DEPTH} deep; got more`,
          );
        }
        const dir = await submoduleDir(tree.dir, one.path);
        const inner = { dir, mirrorDir: one.mirrorDir, sha: one.sha };
        try {
          const from =
            one.from.kind === 'granted'
              ? await placement.accessTo(one.from.grant)
              : anonymousAccess(one.from.url);
          await place(inner, from, { sha: one.sha, ref: 'HEAD' }, depth + 1);
        } catch (error) {
          throw ofSubmodule(one.path, error);
        }
      }
    }
    return declared.hasSubmodules;
  }

  const tree = { dir: placement.dir, mirrorDir: placement.mirrorDir, sha: revision.sha };
  const hasSubmodules = await place(tree, placement.access, revision, 0);
  return { hasSubmodules, hasLargeFiles };
}

/** The same trouble, by the name that the revision gives to where it is. */
function ofSubmodule(path: string, error: unknown): unknown {
  return isAppError(error)
    ? new AppError(error.code, `submodule ${JSON.stringify(path)}: ${error.message}`, error.details, error)
    : error;
}
