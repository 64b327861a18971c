/**
 * Roots as symlinks we make: `dir/<owner>/<name>` points at the store path, and a symlink among Nix's own roots points
 * at that. 20,000 of them take seconds; one process each would take minutes. The inner link is made first and removed
 * last: a crash in between leaves a link that means nothing to Nix, which the next sweep finds.
 */
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseStorePath } from '@argunix/shared/domain/store-path';
import { AppError } from '@argunix/shared/kit/app-error';
import { createKeyedLock } from '@argunix/shared/kit/keyed-lock';
import type { GcRoots } from '../../ports/gc-roots.ts';
import { mapBounded } from './map-bounded.ts';
import type { RootRegistrar } from './root-registrar.ts';

export interface GcRootsOptions {
  /** Absolute, ours alone; in the state directory. */
  readonly dir: string;
  readonly registrar: RootRegistrar;
}

const OWNER = /^[a-z]+-\d{1,16}(?:-[a-z]+)?$/;

export function createGcRoots({ dir, registrar }: GcRootsOptions): GcRoots {
  // A removal takes seconds when there are thousands; what is added meanwhile must not go with it.
  const lock = createKeyedLock();

  async function remove(owner: string): Promise<void> {
    const ownerDir = join(dir, checkOwner(owner));
    await lock.hold(owner, undefined, async () => {
      const names = await readdir(ownerDir).catch(ifMissing(() => []));
      await mapBounded(names, (name) => registrar.unregister(join(ownerDir, name)));
      await rm(ownerDir, { recursive: true, force: true });
    });
  }
  async function link(ownerDir: string, paths: Iterable<string>): Promise<void> {
    await mkdir(ownerDir, { recursive: true, mode: 0o700 });
    const links: string[] = [];
    await mapBounded(paths, async (path) => {
      const root = join(ownerDir, basename(path));
      await symlink(path, root).catch(ifExists);
      links.push(root);
    });
    await registrar.register(links);
  }
  return {
    async add(owner, storePaths) {
      const ownerDir = join(dir, checkOwner(owner));
      const paths = new Set(storePaths);
      for (const path of paths) {
        if (parseStorePath(path) === undefined) {
          throw new AppError('nix.failed', `expected a store path to root, got ${JSON.stringify(path)}`);
        }
      }
      await lock.hold(owner, undefined, () => link(ownerDir, paths));
    },
    remove,
    async sweep(isLiving) {
      const owners = await readdir(dir).catch(ifMissing(() => []));
      for (const owner of owners) {
        if (OWNER.test(owner) && !isLiving(owner)) {
          await remove(owner);
        }
      }
    },
  };
}

/** Owners become names of directories: nothing but the forms that domain/root-owners.ts gives. */
function checkOwner(owner: string): string {
  if (!OWNER.test(owner)) {
    throw new AppError(
      'nix.failed',
      `expected a name like eval-12-outs as the owner of roots, got ${JSON.stringify(owner)}`,
    );
  }
  return owner;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function ifMissing<Value>(value: () => Value): (error: unknown) => Value {
  return (error) => {
    if (hasCode(error, 'ENOENT')) {
      return value();
    }
    throw error;
  };
}

function ifExists(error: unknown): void {
  if (!hasCode(error, 'EEXIST')) {
    throw error;
  }
}
