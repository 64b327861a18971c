/**
 * Roots among Nix's own, where we may write there: `gcroots/argunix/<who>/<owner>/<name>`, a file of the name of the
 * store path, which Nix takes for a root of it (2.8 and 2.26). All of a batch are one file by many names: a name costs
 * 16 µs, where the two links of an indirect root cost 1.7 ms on an ext4 that had just removed many (it passes over
 * each inode that was freed in the last seconds). Nix does not clean up here: `of` points at our own directory, and a
 * place whose directory has been gone for a week is removed by whichever coordinator starts next.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readlink, rm, stat, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ifMissing, unlessThere } from './file-trouble.ts';
import { createRootFiles } from './root-files.ts';
import type { RootKeeper } from './root-keeper.ts';

const MARK = 'of';
const FORGOTTEN_MS = 7 * 24 * 3_600_000;

/** `dir` names who we are: it is ours alone, and lives as long as what the roots are for. */
export function createOwnRoots(dir: string, nixRootsDir: string): RootKeeper {
  const places = join(nixRootsDir, 'argunix');
  const place = join(places, createHash('sha256').update(dir).digest('hex').slice(0, 32));
  const files = createRootFiles();

  /** The age is asked first: one look at a place that is in use, and hundreds of places cost a start 10 ms. */
  async function removeForgotten(name: string): Promise<void> {
    const found = await stat(join(places, name)).catch(ifMissing(() => null));
    if (found === null || Date.now() - found.mtimeMs <= FORGOTTEN_MS) {
      return;
    }
    const owner = await readlink(join(places, name, MARK)).catch(() => null);
    if (owner !== null && (await lstat(owner).catch(ifMissing(() => null))) === null) {
      await rm(join(places, name), { recursive: true, force: true });
    }
  }

  return {
    async keep(owner, storePaths) {
      const ownerDir = join(place, owner);
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await mkdir(ownerDir, { recursive: true, mode: 0o700 });
      await symlink(dir, join(place, MARK)).catch(unlessThere);
      await files.make([...storePaths].map((path) => join(ownerDir, basename(path))));
    },
    async drop(owner) {
      const ownerDir = join(place, owner);
      const names = await readdir(ownerDir).catch(ifMissing(() => []));
      await files.remove(names.map((name) => join(ownerDir, name)));
      await rm(ownerDir, { recursive: true, force: true });
    },
    async owners() {
      await Promise.all((await readdir(places).catch(ifMissing(() => []))).map(removeForgotten));
      return await readdir(place).catch(ifMissing(() => []));
    },
  };
}
