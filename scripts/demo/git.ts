import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';

// A local repository answers in a moment; a large one is copied in a minute.
const DEADLINE_MS = 300_000;

export async function git(
  directory: string,
  args: readonly string[],
  signal: AbortSignal,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { GIT_DIR: _dir, GIT_WORK_TREE: _tree, GIT_INDEX_FILE: _index, ...env } = process.env;
  const output = await outputOf({
    command: 'git',
    args: ['-C', directory, ...args],
    // What git says is read: it must not be said in another language.
    env: { ...env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C.UTF-8', ...more },
    deadlineMs: DEADLINE_MS,
    signal,
  });
  return output.trim();
}

/** The repository that the coordinator fetches from. */
export async function createBare(path: string, signal: AbortSignal): Promise<string> {
  if (!existsSync(path)) {
    await git('.', ['init', '--quiet', '--bare', '--initial-branch=main', '--', path], signal);
  }
  return path;
}

export async function createWorkTree(path: string, signal: AbortSignal): Promise<void> {
  mkdirSync(path, { recursive: true });
  if (existsSync(join(path, '.git'))) {
    return;
  }
  await git(path, ['init', '--quiet', '--initial-branch=main'], signal);
  // Its own, so that the push that is proposed works for someone who never told git who they are.
  for (const [key, value] of [
    ['user.name', 'argunix demo'],
    ['user.email', 'demo@localhost'],
    ['commit.gpgsign', 'false'],
  ] as const) {
    await git(path, ['config', key, value], signal);
  }
}

/** All there is in the work tree; the revision that is now the head of main. */
export async function commitAndPush(
  work: string,
  bare: string,
  message: string,
  signal: AbortSignal,
): Promise<string> {
  await git(work, ['add', '--all'], signal);
  if ((await git(work, ['status', '--porcelain'], signal)) !== '' || !(await hasCommit(work, signal))) {
    await git(work, ['commit', '--quiet', '--allow-empty', '--no-verify', '-m', message], signal);
  }
  await git(
    work,
    ['push', '--quiet', '--no-verify', '--force', '--set-upstream', '--', bare, 'HEAD:main'],
    signal,
  );
  return await git(work, ['rev-parse', 'HEAD'], signal);
}

async function hasCommit(work: string, signal: AbortSignal): Promise<boolean> {
  return (await git(work, ['rev-list', '--all', '--max-count=1'], signal)) !== '';
}

/** For a shell, when it needs to be. */
export function quoted(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
