/** The key that this host shows to builders: made once, kept in the state directory, known by its fingerprint. */
import { createHash } from 'node:crypto';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import ssh2 from 'ssh2';
import { makeKey } from './new-key.ts';

export interface HostKey {
  /** In OpenSSH's format. */
  readonly privateKey: string;
  /** `SHA256:…` as ssh-keygen -l prints it. */
  readonly fingerprint: string;
}

export async function openHostKey(stateDir: string): Promise<HostKey> {
  const path = join(stateDir, 'ssh-host-key');
  const known = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw new AppError('secret.unreadable', `expected the host key for builders, got ${messageOf(error)}`, {
      path,
    });
  });
  const privateKey = known ?? (await createKey(path));
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) {
    throw new AppError(
      'secret.unreadable',
      `expected an ed25519 key in OpenSSH's format in ${path}, got something else: ${parsed.message}. Remove the file for a new key; builders that know the old one have to be told.`,
    );
  }
  return { privateKey, fingerprint: fingerprintOf(parsed.getPublicSSH()) };
}

export function fingerprintOf(publicKey: Buffer): string {
  return `SHA256:${createHash('sha256').update(publicKey).digest('base64').replace(/=+$/, '')}`;
}

async function createKey(path: string): Promise<string> {
  const privateKey = makeKey('argunix');
  const unfinished = `${path}.new`;
  await writeFile(unfinished, privateKey, { mode: 0o600 });
  await chmod(unfinished, 0o600);
  await rename(unfinished, path);
  return privateKey;
}
