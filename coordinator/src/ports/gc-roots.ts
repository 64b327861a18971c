/** Keeps store paths from Nix's garbage collector. Owners are named by domain/root-owners.ts. Root first, then ask whether it is valid. */
export interface GcRoots {
  /** Idempotent. A path that does not exist yet may be rooted: its root holds from the moment it is made. */
  add(owner: string, storePaths: readonly string[]): Promise<void>;
  remove(owner: string): Promise<void>;
  /** Removes the roots of owners for which `isLiving` is false: what a crash left behind. */
  sweep(isLiving: (owner: string) => boolean): Promise<void>;
}
