/** How each kind of forge writes its deliveries. */
import type { DeliveringKind } from '../ports/delivery-reader.ts';
import type { DeliveryDialect } from '../ports/forge-deliveries.ts';

const LOADERS: Readonly<Record<DeliveringKind, () => Promise<DeliveryDialect>>> = {
  github: async () => (await import('../adapters/forge/github/dialect.ts')).gitHubDialect,
  gitlab: async () => (await import('../adapters/forge/gitlab/gitlab-dialect.ts')).gitLabDialect,
  forgejo: async () => (await import('../adapters/forge/gitea/gitea-dialect.ts')).giteaDialect,
};
const loaded = new Map<DeliveringKind, DeliveryDialect>();

/** Loaded when the first delivery of its kind is there. */
export function dialectOf(kind: DeliveringKind): DeliveryDialect | Promise<DeliveryDialect> {
  return loaded.get(kind) ?? load(kind);
}

async function load(kind: DeliveringKind): Promise<DeliveryDialect> {
  const dialect = await LOADERS[kind]();
  loaded.set(kind, dialect);
  return dialect;
}
