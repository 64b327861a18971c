/**
 * The secrets of hooks follow from one key in the state directory, so that a copy of the database tells nobody how to
 * sign. A new key makes every hook be installed anew.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { chmod, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSecret, Secret } from '@argunix/shared/kit/secret';
import type { HookSecrets } from '../../ports/hook-secrets.ts';

export async function openHookSecrets(stateDir: string): Promise<HookSecrets & { readonly isNew: boolean }> {
  const path = join(stateDir, 'hook-key');
  const isNew = await makeKey(path);
  const key = await readSecret(path);
  const made = new Map<string, Secret>();
  return {
    isNew,
    secretOf: ({ id, generation }) => {
      const of = `${id} ${generation}`;
      const secret = made.get(of) ?? new Secret(createHmac('sha256', key.reveal()).update(of).digest('hex'));
      // Only hooks that are kept are asked for: there are no more of them than hooks and their rotations.
      made.set(of, secret);
      return secret;
    },
  };
}

/** Unguessable, and nothing of a repository's name in it: it stands in the logs of proxies. */
export function newHookId(): string {
  return randomBytes(18).toString('base64url');
}

/** Whether it made one. One that is there and cannot be read now is not replaced: every hook would have to be. */
async function makeKey(path: string): Promise<boolean> {
  if (await holdsSomething(path)) {
    return false;
  }
  const unfinished = `${path}.new`;
  await writeFile(unfinished, randomBytes(32).toString('hex'), { mode: 0o600, flush: true });
  await chmod(unfinished, 0o600);
  await rename(unfinished, path);
  return true;
}

/** A power cut may have left it empty. */
async function holdsSomething(path: string): Promise<boolean> {
  try {
    return (await stat(path)).size > 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return false;
    }
    throw error;
  }
}
