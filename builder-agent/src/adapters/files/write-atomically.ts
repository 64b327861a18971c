import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A reader sees the old text or the new one, never half of one; `isDurable`: after a power loss too. */
export async function writeAtomically(
  path: string,
  text: string,
  { isDurable = false }: { readonly isDurable?: boolean } = {},
): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      if (isDurable) {
        await file.sync();
      }
    } finally {
      await file.close();
    }
    await rename(draft, path);
    if (isDurable) {
      await syncDirectory(dirname(path));
    }
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
