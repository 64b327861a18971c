/** Keeps store paths from Nix's garbage collector. An owner is `eval-N` or `job-N`. Root first, then ask whether it is valid. */
export interface GcRoots {
  /** Idempotent. A path that does not exist yet may be rooted: its root holds from the moment it is made. */
  add(owner: string, storePaths: readonly string[]): Promise<void>;
  remove(owner: string): Promise<void>;
  /** Removes the roots of owners that are not `living`: what a crash left behind. */
  sweep(living: ReadonlySet<string>): Promise<void>;
}
