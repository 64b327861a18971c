/**
 * Makes the hook of one repository be as wanted: its address with our opaque id, its events, its secret, active. Hooks of
 * ours under an older address are taken away when the wanted one is there, so that nothing comes twice and no moment is
 * without one. Idempotent.
 */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { ForgeHooks, FoundHook } from '../ports/forge-hooks.ts';
import type { HookSecrets } from '../ports/hook-secrets.ts';
import type { HookStore, KeptHook } from '../ports/hook-store.ts';

export interface HookPorts {
  readonly hooks: ForgeHooks;
  readonly store: HookStore;
  readonly secrets: HookSecrets;
  readonly clock: Clock;
  readonly log: Logger;
  /** Without a closing slash. */
  readonly externalUrl: string;
}

export interface HookOf {
  readonly slug: RepositorySlug;
  readonly hook: KeptHook;
  readonly forgeKind: string;
  /** Its secret may not be the one that the forge has. */
  readonly isInDoubt: boolean;
}

export type HookVerdict =
  | { readonly kind: 'good' }
  | { readonly kind: 'repaired'; readonly differences: readonly string[] };

export function hookUrl(externalUrl: string, { forge, id }: Pick<KeptHook, 'forge' | 'id'>): string {
  return `${externalUrl}/webhook/${encodeURIComponent(forge)}/${id}`;
}

export async function keepHook(
  ports: HookPorts,
  { slug, hook, forgeKind, isInDoubt }: HookOf,
  signal: AbortSignal,
): Promise<HookVerdict> {
  const { hooks, store, secrets, clock, log } = ports;
  const url = hookUrl(ports.externalUrl, hook);
  const wanted = { url, secret: secrets.secretOf(hook) };
  const found = await hooks.list(slug, signal);
  const wantedOnes = found.filter((one) => one.url === url);
  const own = wantedOnes.find(({ id }) => id === hook.forgeId) ?? wantedOnes[0];
  const isSecretKnown = hasOurSecret(hook, url, isInDoubt);
  let verdict: HookVerdict = { kind: 'good' };
  let forgeId = own?.id ?? null;
  if (own === undefined) {
    forgeId = await hooks.create(slug, wanted, signal);
    verdict = { kind: 'repaired', differences: ['it was not there'] };
  } else if (!own.isComplete || !isSecretKnown) {
    forgeId = await hooks.replace(slug, own.id, wanted, signal);
    verdict = {
      kind: 'repaired',
      differences: own.isComplete ? ['its secret was not sure'] : own.differences,
    };
  }
  const others = found.filter((one) => one.id !== own?.id && isOurs(ports, hook, forgeKind, one));
  let trouble: Error | undefined;
  for (const { id } of others) {
    try {
      await hooks.remove(slug, id, signal);
    } catch (error) {
      // The wanted one is there all the same, and that is kept first.
      signal.throwIfAborted();
      trouble ??= error instanceof Error ? error : new Error(String(error));
    }
  }
  await store.installed(hook.id, { forgeId, url, at: clock.now() });
  if (trouble !== undefined) {
    throw trouble;
  }
  if (verdict.kind === 'repaired') {
    log.info({ forge: hook.forge, slug, differences: verdict.differences }, 'a hook was set up or repaired');
  }
  return verdict;
}

/** No forge tells a secret: what was installed, and has had no trouble and no doubt since, has ours. */
export function hasOurSecret(hook: KeptHook, url: string, isInDoubt: boolean): boolean {
  // What failed may have failed before its secret was there.
  return hook.checkedAt !== null && hook.trouble === null && hook.url === url && !isInDoubt;
}

/** Takes away every hook of ours: the repository left the configuration. */
export async function removeHooks(
  ports: Pick<HookPorts, 'hooks' | 'externalUrl'>,
  { slug, hook, forgeKind }: Omit<HookOf, 'isInDoubt'>,
  signal: AbortSignal,
): Promise<void> {
  const found = await ports.hooks.list(slug, signal);
  for (const { id } of found.filter((one) => isOurs(ports, hook, forgeKind, one))) {
    await ports.hooks.remove(slug, id, signal);
  }
}

/**
 * As it is wanted, with another id, as it was before external_url changed, or under the kind of the forge, as the Rust
 * argunix had them.
 */
function isOurs(
  { externalUrl }: Pick<HookPorts, 'externalUrl'>,
  { forge, url: installed }: KeptHook,
  forgeKind: string,
  { url }: FoundHook,
): boolean {
  const mine = `${externalUrl}/webhook/${encodeURIComponent(forge)}`;
  return (
    url === mine ||
    url.startsWith(`${mine}/`) ||
    url === installed ||
    url === `${externalUrl}/webhook/${forgeKind}`
  );
}
