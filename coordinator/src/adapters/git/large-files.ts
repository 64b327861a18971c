/**
 * Large files of a revision (git-lfs), fetched after the checkout into the mirror and put in place of their pointers.
 * Where from is decided here, over whatever `.lfsconfig` says: the repository's own store, with its credentials, or a
 * place that the revision names, by https and ssh and as nobody.
 */
import { AppError } from '@argunix/shared/kit/app-error';
import type { Access } from './access.ts';
import { anonymousAccess } from './access.ts';
import { gitWords, unreachable } from './git-trouble.ts';
import { localPath, parseForeignUrl, type RepositoryUrl, shownUrl } from './repository-url.ts';
import type { Git } from './run-git.ts';
import { inTree, type Tree } from './worktree.ts';

export async function fetchLargeFiles(
  git: Git,
  tree: Tree,
  access: Access,
  signal: AbortSignal,
): Promise<void> {
  const named = await namedStore(git, tree, signal);
  const from = named === undefined ? access : foreignStore(named, access.url);
  const { code, stderr } = await git.run({
    args: [...inTree(tree.dir), 'lfs', 'pull'],
    cwd: tree.dir,
    transports: from.transports,
    env: from.env,
    about: shownUrl(from.url.text),
    config: { 'lfs.url': named ?? ownStore(access.url) },
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
    : unreachable(from, `large files: ${gitWords(stderr, from.secrets)}`);
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

function foreignStore(text: string, base: RepositoryUrl): Access {
  const verdict = parseForeignUrl(text, base);
  if (verdict.kind === 'refused') {
    throw new AppError('git.refused', `.lfsconfig, lfs.url: ${verdict.reason}`);
  }
  return anonymousAccess(verdict.url);
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
