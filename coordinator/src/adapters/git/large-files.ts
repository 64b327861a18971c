/**
 * Large files of a revision (git-lfs), fetched after the checkout into the mirror and put in place of their pointers.
 * Where from is decided here, over whatever `.lfsconfig` says: the repository's own store, with its credentials, or a
 * place that the revision names, by https and ssh and as nobody.
 */
import { AppError } from '@argunix/shared/kit/app-error';
import type { Access } from './access.ts';
import { anonymousAccess } from './access.ts';
import { unreachable } from './git-trouble.ts';
import { localPath, parseForeignUrl, type RepositoryUrl, shownUrl } from './repository-url.ts';
import type { Git } from './run-git.ts';
import { inTree, type Tree } from './worktree.ts';

// Without a filter git-lfs fetches and then leaves the pointers; for this step alone, a checkout runs no filter.
const FILTER = {
  'filter.lfs.clean': 'git-lfs clean -- %f',
  'filter.lfs.smudge': 'git-lfs smudge -- %f',
  'filter.lfs.process': 'git-lfs filter-process',
  'filter.lfs.required': 'true',
};

export async function fetchLargeFiles(
  git: Git,
  tree: Tree,
  access: Access,
  signal: AbortSignal,
): Promise<void> {
  const named = await namedStore(git, tree, signal);
  const from = named === undefined ? access : foreignStore(named, access);
  const { code, stderr } = await git.run({
    args: [...inTree(tree.dir), 'lfs', 'pull'],
    cwd: tree.dir,
    transports: from.transports,
    env: from.env,
    about: shownUrl(from.url.text),
    config: { ...FILTER, ...storeConfig(named ?? ownStore(access.url)) },
    signal,
  });
  if (code === 0) {
    return;
  }
  throw /'lfs' is not a git command/.test(stderr)
    ? new AppError(
        'git.failed',
        'this revision has large files (filter=lfs), and git-lfs is not installed on this host: install the package git-lfs',
      )
    : unreachable(from, stderr, 'large files: ');
}

async function namedStore(
  git: Git,
  { mirrorDir, sha }: Tree,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { code, stdout } = await git.run({
    args: [
      `--git-dir=${mirrorDir}`,
      'config',
      '--no-includes',
      `--blob=${sha}:.lfsconfig`,
      '-z',
      '--get',
      'lfs.url',
    ],
    signal,
  });
  const [url = ''] = stdout.split('\0');
  return code === 0 && url !== '' ? url : undefined;
}

function foreignStore(text: string, own: Access): Access {
  const verdict = parseForeignUrl(text, own.url);
  if (verdict.kind === 'refused') {
    throw new AppError('git.refused', `.lfsconfig, lfs.url: ${verdict.reason}`);
  }
  const anonymous = anonymousAccess(verdict.url);
  // Many name the store that is their own anyway; the helper answers for that one alone.
  return verdict.url.transport === 'https' && own.url.transport === 'https'
    ? { ...anonymous, env: own.env, secrets: own.secrets }
    : anonymous;
}

/** A local store is found by the URL of the remote only (git-lfs-standalone-file), any other by lfs.url, over .lfsconfig. */
function storeConfig(url: string): Readonly<Record<string, string>> {
  return { 'lfs.url': url, 'remote.origin.url': url };
}

/** docs/api/server-discovery.md of git-lfs. */
function ownStore(url: RepositoryUrl): string {
  switch (url.transport) {
    case 'http':
    case 'https': {
      const trimmed = url.text.replace(/\/+$/, '');
      return `${trimmed}${trimmed.endsWith('.git') ? '' : '.git'}/info/lfs`;
    }
    case 'file':
      return `file://${encodeURI(localPath(url))}`;
    case 'ssh':
    case 'git':
      return url.text;
  }
}
