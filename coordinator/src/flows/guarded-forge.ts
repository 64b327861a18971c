import type { Forge } from '../ports/forge.ts';
import type { AppHook, ForgeHooks } from '../ports/forge-hooks.ts';
import type { ForgeHealth } from './forge-health.ts';

/** The same forge, silent while it is paused; `probe` goes through, for it ends the pause. */
export function guardedForge(forge: Forge, health: ForgeHealth): Forge {
  return {
    ...forge,
    repository: (...asked) => health.ask(() => forge.repository(...asked)),
    openRequests: (...asked) => health.ask(() => forge.openRequests(...asked)),
    mayPush: (...asked) => health.ask(() => forge.mayPush(...asked)),
    mergeResult: (...asked) => health.ask(() => forge.mergeResult(...asked)),
    post: (...asked) => health.ask(() => forge.post(...asked)),
    cloneCredential: (...asked) => health.ask(() => forge.cloneCredential(...asked)),
  };
}

export function guardedHooks(hooks: ForgeHooks, health: ForgeHealth): ForgeHooks {
  return {
    list: (...asked) => health.ask(() => hooks.list(...asked)),
    create: (...asked) => health.ask(() => hooks.create(...asked)),
    replace: (...asked) => health.ask(() => hooks.replace(...asked)),
    remove: (...asked) => health.ask(() => hooks.remove(...asked)),
  };
}

export function guardedAppHook(hook: AppHook, health: ForgeHealth): AppHook {
  return {
    configure: (...asked) => health.ask(() => hook.configure(...asked)),
    refreshInstallations: (...asked) => health.ask(() => hook.refreshInstallations(...asked)),
  };
}
