/**
 * Which forge an address means. The Rust argunix put the kind of the forge into its addresses: one stands for the only
 * forge of that kind. A name of the configuration always wins.
 */
export function forgeNamed<
  One extends { readonly settings: { readonly name: string; readonly kind: string } },
>(forges: readonly One[], nameOrKind: string): One | undefined {
  const named = forges.find(({ settings }) => settings.name === nameOrKind);
  const kind = nameOrKind === 'gitea' ? 'forgejo' : nameOrKind;
  const ofKind = forges.filter(({ settings }) => settings.kind === kind);
  return named ?? (ofKind.length === 1 ? ofKind[0] : undefined);
}
