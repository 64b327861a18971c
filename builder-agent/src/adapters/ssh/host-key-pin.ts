/** The key of the coordinator that was met, kept so that no other host can stand in for it. */
import { readFile } from 'node:fs/promises';
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import { Fingerprint } from '@argunix/shared/protocol/invitation';
import type { WriteFile } from './identity.ts';

export interface HostKeyPin {
  readonly path: string;
  /** Null where none was met. Throws `state-dir.unwritable` for a file that cannot be read as one: that is no first meeting. */
  read(): Promise<string | null>;
  write(fingerprint: string): Promise<void>;
}

export function createHostKeyPin(path: string, write: WriteFile): HostKeyPin {
  return {
    path,
    async read() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
          return null;
        }
        throw new AppError('state-dir.unwritable', `expected to read ${path}, got ${messageOf(error)}`);
      }
      const pinned = Fingerprint.safeParse(text.trim());
      if (!pinned.success) {
        throw new AppError(
          'state-dir.unwritable',
          `${path}: expected a fingerprint such as SHA256:…; delete the file to meet the coordinator anew`,
        );
      }
      return pinned.data;
    },
    write: (fingerprint) => write(path, `${fingerprint}\n`, { isDurable: true }),
  };
}
