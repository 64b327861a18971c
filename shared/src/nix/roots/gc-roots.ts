/** Roots by owner, one change of an owner at a time. Where they are kept is decided once: among Nix's own if we may. */
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStorePath } from '../../domain/store-path.ts';
import { AppError } from '../../kit/app-error.ts';
import { createKeyedLock } from '../../kit/keyed-lock.ts';
import { createDaemonKeptRoots } from './daemon-kept-roots.ts';
import { createOwnRoots } from './own-roots.ts';
import type { RootKeeper } from './root-keeper.ts';

/** Keeps store paths from Nix's garbage collector. Owners are named by domain/root-owners.ts. Root first, then ask whether it is valid. */
export interface GcRoots {
  /** Idempotent. A path that does not exist yet may be rooted: its root holds from the moment it is made. */
  add(owner: string, storePaths: readonly string[]): Promise<void>;
  remove(owner: string): Promise<void>;
  /** Removes the roots of owners for which `isLiving` is false: what a crash left behind. */
  sweep(isLiving: (owner: string) => boolean): Promise<void>;
}

export interface GcRootsOptions {
  /** Absolute, ours alone; in the state directory. */
  readonly dir: string;
  /** Nix's own, `/nix/var/nix` by default. */
  readonly nixStateDir?: string;
  /** Where the daemon listens when we may not write to `nixStateDir`. */
  readonly socketPath?: string;
}

const OWNER = /^[a-z]+-\d{1,16}(?:-[a-z]+)?$/;

export function createGcRoots(options: GcRootsOptions): GcRoots {
  // A removal takes long when there are thousands; what is added meanwhile must not go with it.
  const lock = createKeyedLock();
  let chosen: Promise<RootKeeper> | undefined;

  function keeper(): Promise<RootKeeper> {
    chosen ??= chooseKeeper(options);
    return chosen;
  }
  async function remove(owner: string): Promise<void> {
    checkOwner(owner);
    const roots = await keeper();
    await lock.hold(owner, undefined, () => roots.drop(owner));
  }
  return {
    async add(owner, storePaths) {
      checkOwner(owner);
      const paths = new Set(storePaths);
      for (const path of paths) {
        if (parseStorePath(path) === undefined) {
          throw new AppError('nix.failed', `expected a store path to root, got ${JSON.stringify(path)}`);
        }
      }
      const roots = await keeper();
      await lock.hold(owner, undefined, () => roots.keep(owner, paths));
    },
    remove,
    async sweep(isLiving) {
      const roots = await keeper();
      for (const owner of await roots.owners()) {
        if (OWNER.test(owner) && !isLiving(owner)) {
          await remove(owner);
        }
      }
    },
  };
}

async function chooseKeeper(options: GcRootsOptions): Promise<RootKeeper> {
  const { dir, nixStateDir = '/nix/var/nix' } = options;
  const rootsDir = join(nixStateDir, 'gcroots');
  return (await mayWrite(rootsDir))
    ? createOwnRoots(dir, rootsDir)
    : createDaemonKeptRoots(dir, options.socketPath ?? join(nixStateDir, 'daemon-socket/socket'));
}

/** A fresh store has no such directory before its first root. */
async function mayWrite(rootsDir: string): Promise<boolean> {
  try {
    await mkdir(rootsDir, { recursive: true });
    await access(rootsDir, constants.W_OK);
    return true;
  } catch {
    // EACCES, EROFS: the store is the daemon's.
    return false;
  }
}

/** Owners become names of directories: nothing but the forms that domain/root-owners.ts gives. */
function checkOwner(owner: string): void {
  if (!OWNER.test(owner)) {
    throw new AppError(
      'nix.failed',
      `expected a name like eval-12-outs as the owner of roots, got ${JSON.stringify(owner)}`,
    );
  }
}
