/** `git` is no forge: any git URL or path, polled; results are on our own pages only. */
export const FORGE_KINDS = ['github', 'gitlab', 'forgejo', 'git'] as const;
export type ForgeKind = (typeof FORGE_KINDS)[number];
