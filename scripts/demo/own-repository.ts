/**
 * A flake of the user's own, as CI would see it: of a git repository the last commit, of a directory below its root
 * that directory alone, and of what is in no repository a copy. It is read, never written.
 */
import { cpSync, existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { messageOf } from '@argunix/shared/kit/app-error';
import { commitAndPush, createBare, createWorkTree, git, quoted } from './git.ts';
import type { SourceRepository } from './source-repository.ts';

const MAIN = 'refs/heads/main';

export async function createOwnRepository(
  flakeDirectory: string,
  stateDirectory: string,
  signal: AbortSignal,
): Promise<SourceRepository> {
  if (!existsSync(join(flakeDirectory, 'flake.nix'))) {
    throw new Error(`--flake: expected a directory with a flake.nix, got ${flakeDirectory}`);
  }
  const bare = await createBare(join(stateDirectory, 'own-flake.git'), signal);
  const prefix = await prefixInRepository(flakeDirectory, signal);
  return prefix === undefined
    ? await copyOf(flakeDirectory, stateDirectory, bare, signal)
    : await lastCommitOf(flakeDirectory, prefix, bare, signal);
}

/** Where the directory is in its repository, '' for the root; undefined when it is in none, or ignored by it. */
async function prefixInRepository(directory: string, signal: AbortSignal): Promise<string | undefined> {
  let prefix: string;
  try {
    prefix = await git(directory, ['rev-parse', '--show-prefix'], signal);
  } catch (error) {
    if (messageOf(error).includes('not a git repository')) {
      return undefined;
    }
    throw error;
  }
  const others = ['ls-files', '--others', '--ignored', '--exclude-standard', '--', 'flake.nix'];
  return (await git(directory, others, signal)) === '' ? prefix : undefined;
}

async function lastCommitOf(
  directory: string,
  prefix: string,
  bare: string,
  signal: AbortSignal,
): Promise<SourceRepository> {
  const committed = await git(directory, ['ls-tree', '--name-only', 'HEAD', '--', 'flake.nix'], signal).catch(
    // There is no commit yet.
    () => '',
  );
  if (committed === '') {
    throw new Error(
      `--flake: the flake.nix in ${directory} is in a git repository and not committed: commit it, as a push would have it`,
    );
  }
  const root = await git(directory, ['rev-parse', '--show-toplevel'], signal);
  const changes = await git(directory, ['status', '--porcelain', '--', '.'], signal);
  return {
    url: bare,
    note: changes === '' ? undefined : `What is not committed in ${directory} is not built.`,
    howToPush: [howToPush(directory, prefix, bare)],
    async push(pushSignal) {
      if (prefix === '') {
        await fetchHead(bare, root, MAIN, pushSignal);
      } else {
        await fetchHead(bare, root, 'refs/argunix/source', pushSignal);
        await commitSubtree(bare, prefix, pushSignal);
      }
      return await git(bare, ['rev-parse', MAIN], pushSignal);
    },
  };
}

/** Fetched and not pushed, so that nothing is written to the user's repository; a shallow one will do. */
async function fetchHead(bare: string, root: string, ref: string, signal: AbortSignal): Promise<void> {
  await git(bare, ['fetch', '--quiet', '--no-tags', '--update-shallow', '--', root, `+HEAD:${ref}`], signal);
}

/** A commit of the directory alone; the same one for the same source. */
async function commitSubtree(bare: string, prefix: string, signal: AbortSignal): Promise<void> {
  const source = 'refs/argunix/source';
  const format = async (what: string): Promise<string> =>
    await git(bare, ['show', '--no-patch', `--format=${what}`, source], signal);
  const tree = await git(bare, ['rev-parse', `${source}:${prefix}`], signal);
  const date = await format('%cI');
  const commit = await git(bare, ['commit-tree', '-m', await format('%s'), tree], signal, {
    GIT_AUTHOR_NAME: 'argunix demo',
    GIT_AUTHOR_EMAIL: 'demo@localhost',
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: 'argunix demo',
    GIT_COMMITTER_EMAIL: 'demo@localhost',
    GIT_COMMITTER_DATE: date,
  });
  await git(bare, ['update-ref', MAIN, commit], signal);
}

function howToPush(directory: string, prefix: string, bare: string): string {
  const repository = `git -C ${quoted(directory)}`;
  const commit = prefix === '' ? 'HEAD' : `$(${repository} commit-tree -m update HEAD:${quoted(prefix)})`;
  return `${repository} push --force ${quoted(bare)} ${commit}:${MAIN}`;
}

async function copyOf(
  directory: string,
  stateDirectory: string,
  bare: string,
  signal: AbortSignal,
): Promise<SourceRepository> {
  const work = join(stateDirectory, 'own-flake');
  await createWorkTree(work, signal);
  return {
    url: bare,
    note: `${directory} is in no git repository: a copy of it is built.`,
    howToPush: [
      `cp -R ${quoted(directory)}/. ${quoted(work)}`,
      `cd ${quoted(work)} && git add --all && git commit -m 'a change' && git push`,
    ],
    async push(pushSignal) {
      for (const name of readdirSync(work).filter((one) => one !== '.git')) {
        rmSync(join(work, name), { recursive: true });
      }
      cpSync(directory, work, {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => isKept(path, stateDirectory),
      });
      return await commitAndPush(work, bare, 'a copy of the flake', pushSignal);
    },
  };
}

/** Not our own state, should it be in there, and nothing that git would not keep either. */
function isKept(path: string, stateDirectory: string): boolean {
  const found = lstatSync(path);
  const isKnown = found.isFile() || found.isDirectory() || found.isSymbolicLink();
  return isKnown && path !== stateDirectory && !path.startsWith(stateDirectory + sep);
}
