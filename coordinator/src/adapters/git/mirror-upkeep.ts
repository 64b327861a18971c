/** Making a mirror, clearing what a killed git left in it, and keeping its packs few. */
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha } from '@argunix/shared/domain/sha';
import { failed } from './git-trouble.ts';
import type { Git } from './run-git.ts';

// 40: git opens every pack for every object that it looks for; by then that costs more than packing them together.
const MAX_PACKS = 40;
// Where git puts `<name>.lock` while it writes; all of it is short-lived but for a git that was killed.
const LOCKED_DIRS = [
  { dir: '.', isDeep: false },
  { dir: 'refs', isDeep: true },
  { dir: 'objects/info', isDeep: true },
  { dir: 'objects/pack', isDeep: false },
];

/** In place of what is there. Of the object format that the revision asks for. */
export async function makeMirror(git: Git, mirrorDir: string, sha: Sha, signal: AbortSignal): Promise<void> {
  const making = `${mirrorDir}.making`;
  await rm(making, { recursive: true, force: true });
  const { code, stderr } = await git.run({
    args: [
      'init',
      '--quiet',
      '--bare',
      '--template=',
      '--initial-branch=none',
      // The evaluator may be another user: readable whatever our umask is.
      '--shared=0644',
      `--object-format=${sha.length === 64 ? 'sha256' : 'sha1'}`,
      '--',
      making,
    ],
    signal,
  });
  if (code !== 0) {
    throw failed(`the mirror ${mirrorDir} could not be made`, stderr);
  }
  await rm(mirrorDir, { recursive: true, force: true });
  await rename(making, mirrorDir);
}

/** To be called by whoever holds the mirror's lock: nobody else writes to it, so every lock file is a dead one's. */
export async function clearLeftovers(mirrorDir: string): Promise<void> {
  for (const { dir, isDeep } of LOCKED_DIRS) {
    for (const entry of await namesIn(join(mirrorDir, dir), isDeep)) {
      if (entry.endsWith('.lock') || /^\.?tmp[_-]/.test(entry)) {
        await rm(join(mirrorDir, dir, entry), { recursive: true, force: true });
      }
    }
  }
}

/** What git said when it did not work; nothing else depends on it. */
export async function packTogether(
  git: Git,
  mirrorDir: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const packs = (await readdir(join(mirrorDir, 'objects/pack'))).filter((name) => name.endsWith('.pack'));
  if (packs.length <= MAX_PACKS) {
    return undefined;
  }
  for (const args of [
    ['pack-refs', '--all'],
    ['repack', '-d', '-q', '--geometric=2'],
  ]) {
    const { code, stderr } = await git.run({ args: [`--git-dir=${mirrorDir}`, ...args], signal });
    if (code !== 0) {
      return stderr;
    }
  }
  return undefined;
}

async function namesIn(dir: string, recursive: boolean): Promise<readonly string[]> {
  try {
    return await readdir(dir, { recursive });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return [];
    }
    throw error;
  }
}
