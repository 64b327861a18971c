/** A real git repository with a flake in it, to be pushed to. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';

export type Files = Readonly<Record<string, string | Buffer>>;

export interface FlakeRepository {
  readonly dir: string;
  /** Commits these files on the branch that is checked out. Returns the revision. */
  commit(files: Files): Promise<string>;
  git(...args: readonly string[]): Promise<string>;
}

const IDENTITY = {
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b',
};

export async function makeFlakeRepository(dir: string): Promise<FlakeRepository> {
  await mkdir(dir, { recursive: true });
  const git = (...args: readonly string[]): Promise<string> =>
    outputOf({
      command: 'git',
      args: ['-C', dir, ...args],
      env: { PATH: process.env['PATH'], HOME: dir, GIT_CONFIG_NOSYSTEM: '1', ...IDENTITY },
      deadlineMs: 30_000,
    });
  await git('init', '-q', '-b', 'main');
  return {
    dir,
    git,
    commit: async (files) => {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(dir, name)), { recursive: true });
        await writeFile(join(dir, name), text);
      }
      await git('add', '-A');
      await git('commit', '-q', '--allow-empty', '-m', 'change');
      return (await git('rev-parse', 'HEAD')).trim();
    },
  };
}
