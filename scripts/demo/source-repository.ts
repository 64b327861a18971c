/** The git repository that stands for a forge in the demo, and the pushes to it. */
import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';

export interface SourceRepository {
  /** Where the coordinator fetches from. */
  readonly url: string;
  /** Commits and pushes; the sha that is now the head of main. */
  push(signal: AbortSignal): Promise<string>;
  /** Shell lines that push another commit. */
  readonly howToPush: readonly string[];
  /** Anything about the source a person should know. */
  readonly note: string | undefined;
}

export async function createSampleRepository(
  sampleDirectory: string,
  stateDirectory: string,
  signal: AbortSignal,
): Promise<SourceRepository> {
  const work = join(stateDirectory, 'sample');
  const bare = await createBare(join(stateDirectory, 'sample.git'), signal);
  await createWorkTree(work, signal);
  return {
    url: bare,
    note: undefined,
    howToPush: [
      `cd ${quoted(work)}`,
      "sed -i 's/recieve/receive/' letter.txt",
      "git commit -am 'letter: spell receive right' && git push",
    ],
    async push(pushSignal) {
      // As it is shipped, every time: whatever was tried with it, the demo shows the same.
      cpSync(sampleDirectory, work, { recursive: true });
      writeFileSync(join(work, 'stamp'), `${randomUUID()}\n`);
      return await commitAndPush(work, bare, 'letter: write to a newcomer', pushSignal);
    },
  };
}

/** A flake of the user's own. Their directory is read, never written. */
export async function createOwnRepository(
  flakeDirectory: string,
  stateDirectory: string,
  signal: AbortSignal,
): Promise<SourceRepository> {
  if (!existsSync(join(flakeDirectory, 'flake.nix'))) {
    throw new Error(`--flake: expected a directory with a flake.nix, got ${flakeDirectory}`);
  }
  const bare = await createBare(join(stateDirectory, 'own-flake.git'), signal);
  if (existsSync(join(flakeDirectory, '.git'))) {
    const refspec = '+HEAD:refs/heads/main';
    const changes = await git(flakeDirectory, ['status', '--porcelain'], signal);
    return {
      url: bare,
      note: changes === '' ? undefined : 'what is not committed is not built',
      howToPush: [`git -C ${quoted(flakeDirectory)} push ${quoted(bare)} ${refspec}`],
      async push(pushSignal) {
        await git(flakeDirectory, ['push', '--quiet', '--no-verify', '--', bare, refspec], pushSignal);
        return await git(flakeDirectory, ['rev-parse', 'HEAD'], pushSignal);
      },
    };
  }
  const work = join(stateDirectory, 'own-flake');
  await createWorkTree(work, signal);
  return {
    url: bare,
    note: 'this directory is no git repository: a copy of it is built',
    howToPush: [`cd ${quoted(work)}`, "git commit -am 'a change' && git push"],
    async push(pushSignal) {
      cpSync(flakeDirectory, work, { recursive: true, filter: (path) => !path.startsWith(stateDirectory) });
      return await commitAndPush(work, bare, 'a copy of the flake', pushSignal);
    },
  };
}

async function createBare(path: string, signal: AbortSignal): Promise<string> {
  if (!existsSync(path)) {
    await git('.', ['init', '--quiet', '--bare', '--initial-branch=main', '--', path], signal);
  }
  return path;
}

async function createWorkTree(path: string, signal: AbortSignal): Promise<void> {
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

async function commitAndPush(
  work: string,
  bare: string,
  message: string,
  signal: AbortSignal,
): Promise<string> {
  await git(work, ['add', '--all'], signal);
  await git(work, ['commit', '--quiet', '--allow-empty', '--no-verify', '-m', message], signal);
  await git(
    work,
    ['push', '--quiet', '--no-verify', '--force', '--set-upstream', '--', bare, 'HEAD:main'],
    signal,
  );
  return await git(work, ['rev-parse', 'HEAD'], signal);
}

async function git(directory: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const { GIT_DIR: _dir, GIT_WORK_TREE: _tree, GIT_INDEX_FILE: _index, ...env } = process.env;
  const output = await outputOf({
    command: 'git',
    args: ['-C', directory, ...args],
    env: { ...env, GIT_TERMINAL_PROMPT: '0' },
    deadlineMs: 60_000,
    signal,
  });
  return output.trim();
}

/** For a shell, when it needs to be. */
function quoted(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
