/**
 * Tells Nix that a symlink outside of its state is a root. Where we may write there that is a symlink of our own;
 * else the daemon makes it. Nix removes by itself the registration of a link that is gone.
 */
import { createHash } from 'node:crypto';
import { access, constants, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { addIndirectRoots } from './daemon-roots.ts';
import { mapBounded } from './map-bounded.ts';

export interface RootRegistrar {
  /** Idempotent; returns when Nix would see all of them. */
  register(links: readonly string[]): Promise<void>;
  unregister(link: string): Promise<void>;
}

export interface RootRegistrarOptions {
  /** Nix's own, `/nix/var/nix` by default. */
  readonly stateDir?: string;
  /** Where the daemon listens when we may not write to `stateDir`. */
  readonly socketPath?: string;
}

export function createRootRegistrar(options: RootRegistrarOptions = {}): RootRegistrar {
  const stateDir = options.stateDir ?? '/nix/var/nix';
  const socketPath = options.socketPath ?? join(stateDir, 'daemon-socket/socket');
  const autoDir = join(stateDir, 'gcroots/auto');
  let isOurs: Promise<boolean> | undefined;
  return {
    async register(links) {
      isOurs ??= mayWrite(autoDir);
      if (await isOurs) {
        await mapBounded(links, (link) => symlink(link, join(autoDir, nameFor(link))).catch(ifExists));
      } else {
        await addIndirectRoots(socketPath, links);
      }
    },
    async unregister(link) {
      isOurs ??= mayWrite(autoDir);
      if (await isOurs) {
        await rm(join(autoDir, nameFor(link)), { force: true });
      }
    },
  };
}

/** A fresh store has no such directory before its first root. */
async function mayWrite(autoDir: string): Promise<boolean> {
  try {
    await mkdir(autoDir, { recursive: true });
    await access(autoDir, constants.W_OK);
    return true;
  } catch {
    // EACCES, EROFS: the store is the daemon's.
    return false;
  }
}

/** Nix names its own by a hash as well; any name that only this link has will do. */
function nameFor(link: string): string {
  return `argunix-${createHash('sha256').update(link).digest('hex').slice(0, 40)}`;
}

function ifExists(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
    throw error;
  }
}
