/**
 * The files of one revision. Its `.git` is a directory of three small files whose `commondir` points at the mirror: a
 * linked worktree of which the mirror knows nothing, so making and removing one never writes to the mirror. No hook and
 * no filter runs. Nothing here follows a symbolic link of the revision.
 */
import { chmod, lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha } from '@argunix/shared/domain/sha';
import { AppError } from '@argunix/shared/kit/app-error';
import { failed, gitWords, isBrokenMirror } from './git-trouble.ts';
import { refOf } from './mirror.ts';
import type { Git } from './run-git.ts';

export interface Tree {
  readonly dir: string;
  readonly mirrorDir: string;
  readonly sha: Sha;
}

/** `dir` is an empty directory, or none yet. 'broken': the mirror does not hold what it should. */
export async function fillTree(
  git: Git,
  { dir, mirrorDir, sha }: Tree,
  signal: AbortSignal,
): Promise<'filled' | 'broken'> {
  const gitDir = join(dir, '.git');
  await mkdir(gitDir, { recursive: true });
  // On a branch: of a detached HEAD Nix warns that it could not read it.
  await writeFile(join(gitDir, 'HEAD'), `ref: ${refOf(sha)}\n`);
  await writeFile(join(gitDir, 'commondir'), `${mirrorDir}\n`);
  const { code, stderr } = await git.run({
    args: [...inTree(dir), 'read-tree', '--reset', '-u', sha],
    cwd: dir,
    signal,
  });
  if (code === 0) {
    return 'filled';
  }
  if (isBrokenMirror(stderr)) {
    return 'broken';
  }
  throw /invalid path|file name too long|filename too long/i.test(stderr)
    ? new AppError(
        'git.refused',
        `${sha} has a file name that cannot be checked out. Git said: ${gitWords(stderr)}`,
      )
    : failed(`the files of ${sha} could not be written`, stderr);
}

export function inTree(dir: string): readonly string[] {
  return [`--git-dir=${join(dir, '.git')}`, `--work-tree=${dir}`];
}

/** Under a strict umask nobody but us could read it, and the evaluator may be another user. */
export async function makeReadable(dir: string): Promise<void> {
  if (((await lstat(dir)).mode & 0o005) === 0o005) {
    return;
  }
  await walk(dir, async (path, isDirectory) => {
    const mode = (await lstat(path)).mode & 0o7777;
    await chmod(path, isDirectory || (mode & 0o100) !== 0 ? mode | 0o055 : mode | 0o044);
  });
}

/** Every file and directory, a directory after what is in it. */
async function walk(
  dir: string,
  visit: (path: string, isDirectory: boolean) => Promise<void>,
): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) {
      await walk(path, visit);
    } else if (!entry.isSymbolicLink()) {
      await visit(path, false);
    }
  }
  await visit(dir, true);
}
