/** Hooks at forges, besides what a look at a repository does for its own: of GitHub Apps, of what left, and by hand. */
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import { createKeyedLock } from '@argunix/shared/kit/keyed-lock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { Configuration } from '../config/configuration.ts';
import { administerHooks, type HookAdministration, type HookPlace } from '../flows/administer-hooks.ts';
import { removeHooks } from '../flows/keep-hook.ts';
import type { HookSecrets } from '../ports/hook-secrets.ts';
import type { HookStore, KeptHook } from '../ports/hook-store.ts';
import type { Repository } from '../ports/repository-store.ts';
import type { ComposedForge, Forges } from './forges.ts';
import type { HookRegistry } from './hook-registry.ts';

export interface HookKeepingOptions {
  readonly forges: Pick<Forges, 'get'>;
  readonly hooks: HookRegistry;
  readonly store: HookStore;
  readonly secrets: HookSecrets;
  readonly clock: Clock;
  readonly log: Logger;
  readonly current: () => Configuration;
  readonly rows: () => ReadonlyMap<RepositoryId, Repository>;
  readonly isConfigured: (row: Repository) => boolean;
}

export interface HookKeeping {
  readonly administration: HookAdministration;
  /** One at a time for each hook. */
  hold<Result>(hookId: string, work: () => Promise<Result>): Promise<Result>;
  tendApp(composed: ComposedForge, signal: AbortSignal): Promise<void>;
  /** Hooks at forges that are still there, of repositories that are not in the configuration any more. */
  removeDeparted(signal: AbortSignal): Promise<void>;
}

export function createHookKeeping(options: HookKeepingOptions, stopping: AbortSignal): HookKeeping {
  const { forges, hooks, store, secrets, clock, log, current, rows } = options;
  const lock = createKeyedLock();
  const hold = async <Result>(hookId: string, work: () => Promise<Result>): Promise<Result> =>
    await lock.hold(hookId, stopping, work);

  async function setAppHook(
    { settings, appHook }: ComposedForge,
    hook: KeptHook,
    signal: AbortSignal,
  ): Promise<void> {
    const url = `${current().externalUrl}/webhook/${encodeURIComponent(settings.name)}`;
    try {
      await appHook?.configure({ url, secret: secrets.secretOf(hook) }, signal);
    } finally {
      // Also where the App lacks a permission: what was accepted meanwhile holds from now on.
      await appHook?.refreshInstallations(signal);
    }
    await store.installed(hook.id, { forgeId: null, url, at: clock.now() });
  }

  function placeOf(hook: KeptHook): readonly HookPlace[] {
    const composed = forges.get(hook.forge);
    const row = hook.repositoryId === null ? undefined : rows().get(hook.repositoryId);
    if (composed === undefined || (row === undefined ? composed.appHook === null : !isKept(composed, row))) {
      return [];
    }
    const { externalUrl } = current();
    return [
      {
        hook,
        slug: row?.slug ?? null,
        forgeKind: composed.settings.kind,
        isInDoubt: hooks.isInDoubt(hook),
        ports: { hooks: composed.hooks, store, secrets, clock, log, externalUrl },
        setAppHook: row === undefined ? (signal) => setAppHook(composed, hook, signal) : null,
      },
    ];
  }
  /** An App has one hook for all, so what is left of a time before it is no hook of ours. */
  function isKept({ appHook }: ComposedForge, row: Repository): boolean {
    return appHook === null && options.isConfigured(row);
  }

  return {
    hold,
    administration: administerHooks({
      places: () => hooks.all().flatMap(placeOf),
      reload: () => hooks.reload(),
      hold,
      isDryRun: () => current().isDryRun,
      signal: stopping,
    }),
    tendApp: async (composed, signal) => {
      const { settings, appHook } = composed;
      if (appHook === null) {
        return;
      }
      const hook = await hooks.ensure(settings.name, null);
      await hold(hook.id, async () => {
        try {
          await setAppHook(composed, hook, signal);
        } catch (error) {
          if (signal.aborted || !isAppError(error)) {
            throw error;
          }
          log.warn({ err: error, forge: settings.name }, 'the hook of the GitHub App could not be set');
          await store.failed(hook.id, messageOf(error), clock.now());
        }
      });
      hooks.reload();
    },
    removeDeparted: async (signal) => {
      for (const hook of hooks.all()) {
        const row = hook.repositoryId === null ? undefined : rows().get(hook.repositoryId);
        const composed = forges.get(hook.forge);
        if (row === undefined || composed === undefined || options.isConfigured(row)) {
          continue;
        }
        try {
          const forgeKind = composed.settings.kind;
          const { externalUrl } = current();
          await removeHooks(
            { hooks: composed.hooks, externalUrl },
            { slug: row.slug, hook, forgeKind },
            signal,
          );
          await store.remove(hook.id);
          hooks.reload();
          log.info({ forge: hook.forge, slug: row.slug }, 'the hook of a repository that left was removed');
        } catch (error) {
          if (signal.aborted || !isAppError(error)) {
            throw error;
          }
          log.warn({ err: error, forge: hook.forge, slug: row.slug }, 'a hook could not be removed yet');
        }
      }
      hooks.reload();
    },
  };
}
