/** Where the roots of owners are kept; gc-roots.ts says whose. Two of these exist: own-roots.ts and daemon-kept-roots.ts. */
export interface RootKeeper {
  /** Idempotent; returns when Nix would see all of them. Not called for one owner by two at once. */
  keep(owner: string, storePaths: ReadonlySet<string>): Promise<void>;
  drop(owner: string): Promise<void>;
  owners(): Promise<readonly string[]>;
}
