/**
 * Roots of one who may not write where Nix keeps them: `dir/<owner>/<name>` points at the store path, and the daemon
 * makes a link of its own to that. It removes its link when ours is gone.
 */
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { mapBounded } from '../map-bounded.ts';
import { addIndirectRoots } from './daemon-roots.ts';
import { ifMissing, unlessThere } from './file-trouble.ts';
import type { RootKeeper } from './root-keeper.ts';

export function createDaemonKeptRoots(dir: string, socketPath: string): RootKeeper {
  return {
    async keep(owner, storePaths) {
      await mkdir(join(dir, owner), { recursive: true, mode: 0o700 });
      const links = [...storePaths].map((path) => [join(dir, owner, basename(path)), path] as const);
      await mapBounded(links, ([link, path]) => symlink(path, link).catch(unlessThere));
      await addIndirectRoots(
        socketPath,
        links.map(([link]) => link),
      );
    },
    async drop(owner) {
      await rm(join(dir, owner), { recursive: true, force: true });
    },
    owners: () => readdir(dir).catch(ifMissing(() => [])),
  };
}
