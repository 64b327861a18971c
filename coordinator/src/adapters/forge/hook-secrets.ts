/**
 * The secrets of hooks follow from one key in the state directory, so that a copy of the database tells nobody how to
 * sign. A new key makes every hook be installed anew.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSecret, Secret } from '@argunix/shared/kit/secret';
import type { HookSecrets } from '../../ports/hook-secrets.ts';

export async function openHookSecrets(stateDir: string): Promise<HookSecrets & { readonly isNew: boolean }> {
  const path = join(stateDir, 'hook-key');
  const isNew = await makeKey(path);
  const key = await readSecret(path);
  return {
    isNew,
    secretOf: ({ id, generation }) =>
      new Secret(createHmac('sha256', key.reveal()).update(`${id} ${generation}`).digest('hex')),
  };
}

/** Unguessable, and nothing of a repository's name in it: it stands in the logs of proxies. */
export function newHookId(): string {
  return randomBytes(18).toString('base64url');
}

/** Whether it made one. */
async function makeKey(path: string): Promise<boolean> {
  try {
    await readSecret(path);
    return false;
  } catch {
    // Missing or empty: what is there and cannot be read fails again below, with its sentence.
  }
  const unfinished = `${path}.new`;
  await writeFile(unfinished, randomBytes(32).toString('hex'), { mode: 0o600 });
  await chmod(unfinished, 0o600);
  await rename(unfinished, path);
  return true;
}
