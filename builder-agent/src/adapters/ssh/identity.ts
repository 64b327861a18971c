/** The key by which the coordinator knows this builder, made at the first start. Whoever has the file is the builder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import { Secret } from '@argunix/shared/kit/secret';
import ssh2 from 'ssh2';
import { fingerprintOf } from './fingerprint.ts';

export interface Identity {
  readonly privateKey: Secret;
  /** As the coordinator shows it. */
  readonly fingerprint: string;
}

export type WriteFile = (path: string, text: string, options: { readonly isDurable: true }) => Promise<void>;

export async function readIdentity(stateDir: string, write: WriteFile): Promise<Identity> {
  const path = join(stateDir, 'identity');
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw new AppError(
      'state-dir.unwritable',
      `--state-dir: expected to read ${path}, got ${messageOf(error)}`,
    );
  });
  if (text !== undefined) {
    return toIdentity(text, path);
  }
  const made = makeKey();
  await write(path, made, { isDurable: true });
  return toIdentity(made, path);
}

/**
 * Of four hundred keys that ssh2 makes, one is not of the form that ssh2 reads (1.17): it is made again, for what cannot
 * be read would be kept for ever.
 */
function makeKey(): string {
  for (;;) {
    const { private: made } = ssh2.utils.generateKeyPairSync('ed25519', { comment: 'argunix-builder' });
    if (!(ssh2.utils.parseKey(made) instanceof Error)) {
      return made;
    }
  }
}

function toIdentity(text: string, path: string): Identity {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error || key.type !== 'ssh-ed25519') {
    const got = key instanceof Error ? key.message : key.type;
    throw new AppError('state-dir.unwritable', `${path}: expected an ed25519 key of OpenSSH, got ${got}`, {
      path,
    });
  }
  return { privateKey: new Secret(text), fingerprint: fingerprintOf(key.getPublicSSH()) };
}
