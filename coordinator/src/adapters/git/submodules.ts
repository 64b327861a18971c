/**
 * Submodules of a revision, nested ones too. Not left to git-submodule: every URL is judged before anything is fetched.
 * Each is fetched with its own transport alone and as nobody, and its mirror lies in the mirror of the repository,
 * which is all that an evaluation sees; but for what is granted to the revision.
 */
import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSha, type Sha } from '@argunix/shared/domain/sha';
import { AppError } from '@argunix/shared/kit/app-error';
import { failed, gitWords } from './git-trouble.ts';
import type { Grants, Resolved } from './grants.ts';
import type { RepositoryUrl } from './repository-url.ts';
import type { Git } from './run-git.ts';
import type { Tree } from './worktree.ts';

export interface Submodule {
  readonly path: string;
  readonly sha: Sha;
  readonly mirrorDir: string;
  readonly from: Exclude<Resolved, { kind: 'refused' }>;
}

export interface SubmodulePlaces {
  /** Where the repository that declares them came from. */
  readonly base: RepositoryUrl;
  readonly grants: Grants;
  readonly modulesDir: string;
}

/** Those that the revision of `tree` declares and records; `update = none` leaves one out, as it does for git. */
export async function submodulesOf(
  git: Git,
  tree: Tree,
  { base, grants, modulesDir }: SubmodulePlaces,
  signal: AbortSignal,
): Promise<readonly Submodule[]> {
  const declared = (await declarations(git, tree, signal)).filter(
    (one) => one.path !== undefined && one.update !== 'none',
  );
  const recorded = await recordedAt(
    git,
    tree,
    declared.map((one) => one.path ?? ''),
    signal,
  );
  return declared.flatMap((one): readonly Submodule[] => {
    const path = one.path ?? '';
    const sha = recorded.get(path);
    if (sha === undefined) {
      return [];
    }
    const from = grants.resolve(one.url ?? '', base);
    switch (from.kind) {
      case 'refused':
        throw new AppError('git.refused', `submodule ${JSON.stringify(path)}: ${from.reason}`);
      case 'granted':
        return [{ path, sha, from, mirrorDir: join(from.grant.dir, 'revisions.git') }];
      case 'foreign': {
        const key = createHash('sha256').update(from.url.text).digest('hex').slice(0, 32);
        return [{ path, sha, from, mirrorDir: join(modulesDir, `${key}.git`) }];
      }
    }
  });
}

/** The directory that the checkout made for it; a revision cannot lead us through a link of its own. */
export async function submoduleDir(top: string, path: string): Promise<string> {
  let dir = top;
  for (const part of path.split('/')) {
    dir = join(dir, part);
    if (part === '' || part === '..' || part === '.' || !(await isDirectory(dir))) {
      throw new AppError(
        'git.refused',
        `submodule ${JSON.stringify(path)}: expected a directory of the revision`,
      );
    }
  }
  return dir;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch {
    // ENOENT, or ENOTDIR further up: either way it is none.
    return false;
  }
}

interface Declaration {
  readonly path?: string;
  readonly url?: string;
  readonly update?: string;
}

async function declarations(
  git: Git,
  { mirrorDir, sha }: Tree,
  signal: AbortSignal,
): Promise<readonly Declaration[]> {
  const { code, stdout, stderr } = await git.run({
    args: [
      `--git-dir=${mirrorDir}`,
      'config',
      '--no-includes',
      `--blob=${sha}:.gitmodules`,
      '-z',
      '--get-regexp',
      '^submodule[.].*[.](path|url|update)$',
    ],
    signal,
  });
  // 1 is "none found", and what a file that does not parse ends with too.
  if (code > 1 || stderr !== '') {
    throw new AppError('git.refused', `.gitmodules cannot be read. Git said: ${gitWords(stderr)}`);
  }
  const found = new Map<string, Record<string, string>>();
  for (const entry of stdout.split('\0').filter((one) => one !== '')) {
    const end = entry.indexOf('\n');
    const key = end < 0 ? entry : entry.slice(0, end);
    const dot = key.lastIndexOf('.');
    const name = key.slice(0, dot);
    const one = found.get(name) ?? {};
    one[key.slice(dot + 1)] = end < 0 ? '' : entry.slice(end + 1);
    found.set(name, one);
  }
  return [...found.values()];
}

async function recordedAt(
  git: Git,
  { mirrorDir, sha }: Tree,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Sha>> {
  if (paths.length === 0) {
    return new Map();
  }
  const { code, stdout, stderr } = await git.run({
    args: [`--git-dir=${mirrorDir}`, 'ls-tree', '-z', '--full-tree', '--', sha, ...paths],
    signal,
  });
  if (code !== 0) {
    throw failed(`the submodules of ${sha} could not be listed`, stderr);
  }
  const recorded = new Map<string, Sha>();
  for (const entry of stdout.split('\0')) {
    const [, object, path] = /^160000 commit ([0-9a-f]+)\t(.*)$/s.exec(entry) ?? [];
    const commit = parseSha(object ?? '');
    if (commit !== undefined && path !== undefined) {
      recorded.set(path, commit);
    }
  }
  return recorded;
}
