/** One fetch into a mirror: only what is named, whole, and nothing that git would do besides. */
import type { Access } from './access.ts';
import { shownUrl } from './repository-url.ts';
import type { Git, Said } from './run-git.ts';

/** Every branch and tag, below refs/argunix/all. */
export const ALL_HEADS = ['+refs/heads/*:refs/argunix/all/heads/*', '+refs/tags/*:refs/argunix/all/tags/*'];

const BASE_FETCH = [
  'fetch',
  '--quiet',
  '--force',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-recurse-submodules',
  '--no-show-forced-updates',
  '--update-shallow',
];

export interface MirrorFetch {
  readonly mirrorDir: string;
  readonly access: Access;
  readonly refspecs: readonly string[];
  readonly signal: AbortSignal;
}

/** Refs of ours that a pattern covers, and the other side has not any more, go. */
export async function fetchInto(
  git: Git,
  { mirrorDir, access, refspecs, signal }: MirrorFetch,
): Promise<Said> {
  const prune = refspecs.some((one) => one.includes('*')) ? ['--prune'] : [];
  return await git.run({
    args: inMirror(mirrorDir, ...BASE_FETCH, ...prune, '--', access.url.text, ...refspecs),
    transports: access.transports,
    env: access.env,
    about: shownUrl(access.url.text),
    signal,
  });
}

export function inMirror(mirrorDir: string, ...args: readonly string[]): readonly string[] {
  return [`--git-dir=${mirrorDir}`, ...args];
}
