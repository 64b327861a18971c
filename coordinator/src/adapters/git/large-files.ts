/**
 * Large files of a revision (git-lfs), fetched after the checkout into the mirror and put in place of their pointers.
 * Where from is decided here, over whatever `.lfsconfig` says: the repository's own store, with its credentials, what is
 * granted to the revision, or another place that the revision names, by https and ssh and as nobody.
 */
import { join } from 'node:path';
import { AppError } from '@argunix/shared/kit/app-error';
import type { Access } from './access.ts';
import { anonymousAccess } from './access.ts';
import { unreachable } from './git-trouble.ts';
import type { Grant, Grants } from './grants.ts';
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

// docs/api/server-discovery.md of git-lfs: where the store of a repository is.
const STORE_SUFFIX = /(?:\.git)?\/info\/lfs\/*$/;

export interface LargeFileStores {
  /** To the repository that holds the pointers. */
  readonly access: Access;
  readonly grants: Grants;
  readonly accessTo: (grant: Grant) => Promise<Access>;
}

interface NamedStore {
  readonly from: Access;
  readonly config: Readonly<Record<string, string>>;
}

export async function fetchLargeFiles(
  git: Git,
  tree: Tree,
  stores: LargeFileStores,
  signal: AbortSignal,
): Promise<void> {
  const { access } = stores;
  const named = await namedStore(git, tree, signal);
  const { from, config } =
    named === undefined
      ? { from: access, config: storeConfig(ownStore(access.url)) }
      : await namedAccess(named, stores);
  const { code, stderr } = await git.run({
    args: [...inTree(tree.dir), 'lfs', 'pull'],
    cwd: tree.dir,
    transports: from.transports,
    env: from.env,
    about: shownUrl(from.url.text),
    config: { ...FILTER, ...config },
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

async function namedAccess(
  text: string,
  { access: own, grants, accessTo }: LargeFileStores,
): Promise<NamedStore> {
  const resolved = grants.resolve(text.replace(STORE_SUFFIX, ''), own.url);
  switch (resolved.kind) {
    case 'refused':
      throw new AppError('git.refused', `.lfsconfig, lfs.url: ${resolved.reason}`);
    case 'granted': {
      const { dir, url } = resolved.grant;
      // Not into the mirror, where a stranger's revision would find them by their hash.
      const storage = { 'lfs.storage': join(dir, 'large-files') };
      return { from: await accessTo(resolved.grant), config: { ...storeConfig(ownStore(url)), ...storage } };
    }
    case 'foreign':
      return { from: foreignAccess(text, own), config: storeConfig(text) };
  }
}

function foreignAccess(text: string, own: Access): Access {
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
      const trimmed = url.text.replace(/(?<!\/)\/+$/, '');
      return `${trimmed}${trimmed.endsWith('.git') ? '' : '.git'}/info/lfs`;
    }
    case 'file':
      return `file://${encodeURI(localPath(url))}`;
    case 'ssh':
    case 'git':
      return url.text;
  }
}
