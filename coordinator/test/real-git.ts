/** Real repositories in a directory of their own, and a checkout adapter that is pointed at them. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type GitRef, parseGitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import { parseSha, type Sha } from '@argunix/shared/domain/sha';
import { isAppError } from '@argunix/shared/kit/app-error';
import { silentLogger } from '@argunix/shared/kit/logger';
import { outputOf } from '@argunix/shared/kit/run-process';
import { createGitCheckout, type GitCheckout } from '../src/adapters/git/checkout.ts';
import type { Source } from '../src/ports/source-checkout.ts';

type GitCheckoutOptions = Parameters<typeof createGitCheckout>[0];

export interface RealGit {
  readonly dir: string;
  readonly state: { readonly mirrorsDir: string; readonly worktreesDir: string };
  readonly checkout: GitCheckout;
  /** Another adapter on the same directories: a coordinator that was started again. */
  createCheckout(changes?: Partial<GitCheckoutOptions>): GitCheckout;
  git(cwd: string, ...args: readonly string[]): Promise<string>;
  /** A repository with one branch, `main`, and no commit. */
  init(name: string, ...args: readonly string[]): Promise<string>;
  /** Writes the files and commits all there is; a value of `{ link }` makes a symbolic link. */
  commit(
    repository: string,
    files: Readonly<Record<string, string | { readonly link: string }>>,
  ): Promise<Sha>;
  /** Adds the files to what is in the index, and commits that. */
  commitIndex(repository: string, files: Readonly<Record<string, string>>): Promise<Sha>;
  remove(): Promise<void>;
}

export async function makeRealGit(
  changes: Partial<GitCheckoutOptions> = {},
  prefix = 'argunix-git-',
): Promise<RealGit> {
  const dir = await mkdtemp(join(tmpdir(), prefix));
  const state = { mirrorsDir: join(dir, 'state/mirrors'), worktreesDir: join(dir, 'state/worktrees') };
  const env = {
    PATH: process.env['PATH'],
    HOME: dir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.org',
    GIT_COMMITTER_NAME: 'C',
    GIT_COMMITTER_EMAIL: 'c@example.org',
    GIT_ALLOW_PROTOCOL: 'file:http:ext',
  };
  async function git(cwd: string, ...args: readonly string[]): Promise<string> {
    return (await outputOf({ command: 'git', args, cwd, env, deadlineMs: 60_000 })).trim();
  }
  function createCheckout(more: Partial<GitCheckoutOptions> = {}): GitCheckout {
    return createGitCheckout({
      ...state,
      credentialOf: async () => await Promise.reject(new Error('no credential is expected here')),
      log: silentLogger,
      ...changes,
      ...more,
    });
  }
  return {
    dir,
    state,
    git,
    createCheckout,
    checkout: createCheckout(),
    async init(name, ...args) {
      const path = join(dir, 'remotes', name);
      await mkdir(path, { recursive: true });
      await git(path, 'init', '--quiet', '--initial-branch=main', ...args);
      return path;
    },
    async commit(repository, files) {
      for (const [name, content] of Object.entries(files)) {
        const path = join(repository, name);
        await mkdir(dirname(path), { recursive: true });
        await rm(path, { force: true });
        await (typeof content === 'string' ? writeFile(path, content) : symlink(content.link, path));
      }
      await git(repository, 'add', '--all');
      await git(repository, 'commit', '--quiet', '--allow-empty', '--message=change');
      return sha(await git(repository, 'rev-parse', 'HEAD'));
    },
    async commitIndex(repository, files) {
      for (const [name, content] of Object.entries(files)) {
        await writeFile(join(repository, name), content);
        await git(repository, 'add', '--', name);
      }
      await git(repository, 'commit', '--quiet', '--message=change');
      return sha(await git(repository, 'rev-parse', 'HEAD'));
    },
    async remove() {
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function source(url: string, changes: Partial<Source> = {}): Source {
  return { repositoryId: repositoryId(1), url, credential: null, fetchable: [], ...changes };
}

export function sha(text: string): Sha {
  const parsed = parseSha(text);
  if (parsed === undefined) {
    throw new Error(`no sha: ${text}`);
  }
  return parsed;
}

export function ref(text: string): GitRef {
  const parsed = parseGitRef(text);
  if (parsed === undefined) {
    throw new Error(`no ref: ${text}`);
  }
  return parsed;
}

export function evaluationId(id: number): EvaluationId {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a row number without a database
  return id as EvaluationId;
}

function repositoryId(id: number): RepositoryId {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a row number without a database
  return id as RepositoryId;
}

/** `code: message` of what it throws. */
export async function troubleOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return isAppError(error) ? `${error.code}: ${error.message}` : String(error);
  }
  return 'no trouble';
}

/** For tests that do not cancel. */
export const never = new AbortController().signal;
