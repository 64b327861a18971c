/**
 * The files of one revision. Its `.git` is a directory of three small files whose `commondir` points at the mirror: a
 * linked worktree of which the mirror knows nothing, so making and removing one never writes to the mirror. No hook and
 * no filter runs. Nothing here follows a symbolic link of the revision.
 */
import { chmod, lstat, lutimes, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha } from '@argunix/shared/domain/sha';
import { AppError } from '@argunix/shared/kit/app-error';
import { failed, gitWords, isBrokenMirror } from './git-trouble.ts';
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
  await writeFile(join(gitDir, 'HEAD'), `${sha}\n`);
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

/**
 * Makes of it a plain tree that is the same for every checkout of its revision: without `.git`, with the time of the
 * commit on every file. Nix takes a directory as it is, so both would show in the hash of the flake.
 */
export async function sealTree(dirs: readonly string[], committedAtSeconds: number): Promise<void> {
  for (const dir of dirs) {
    await rm(join(dir, '.git'), { recursive: true, force: true });
  }
  const [top = ''] = dirs;
  await walk(top, async (path) => await lutimes(path, committedAtSeconds, committedAtSeconds), true);
}

/** Every file and directory, a directory after what is in it. */
async function walk(
  dir: string,
  visit: (path: string, isDirectory: boolean) => Promise<void>,
  withLinks = false,
): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) {
      await walk(path, visit, withLinks);
    } else if (withLinks || !entry.isSymbolicLink()) {
      await visit(path, false);
    }
  }
  await visit(dir, true);
}
