/** The hooks that are kept, in memory: each delivery asks for one. What is stored of them is stored first. */
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { HookStore, KeptHook } from '../ports/hook-store.ts';

export interface HookRegistry {
  named(id: string): KeptHook | undefined;
  of(repositoryId: RepositoryId): KeptHook | undefined;
  ofApp(forge: string): KeptHook | undefined;
  all(): readonly KeptHook[];
  ensure(forge: string, repositoryId: RepositoryId | null): Promise<KeptHook>;
  /** What is stored may have changed. */
  reload(): void;
  /** A delivery with a good signature came. */
  heard(hook: KeptHook): void;
  /** Its secret may not be the one that the forge has. False when that is no news. */
  doubt(hook: KeptHook): boolean;
  isInDoubt(hook: KeptHook): boolean;
  /** The secret of before its last rotation still counts. */
  takesSecretBefore(hook: KeptHook): boolean;
}

// A hook is installed anew at most once an hour for a bad signature: whoever knows its address could make us do it.
const DOUBT_MS = 3_600_000;
// What a forge signed before a rotation is on its way, or is tried again; a secret that leaked is of no use for longer.
const ROTATED_MS = 3_600_000;
// When the last delivery came is shown to people: a minute is exact enough.
const HEARD_MS = 60_000;

export interface RegistryOptions {
  readonly store: HookStore;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createHookRegistry(options: RegistryOptions): HookRegistry {
  const { store, newId, clock, log } = options;
  let byId = new Map<string, KeptHook>();
  const doubtedAt = new Map<string, number>();
  const heardAt = new Map<string, number>();

  const rotatedAt = new Map<string, number>();

  function reload(): void {
    const before = byId;
    byId = new Map(store.all().map((hook) => [hook.id, hook]));
    for (const { id, generation } of byId.values()) {
      if (generation > (before.get(id)?.generation ?? generation)) {
        rotatedAt.set(id, clock.now());
      }
    }
  }
  reload();

  const find = (isIt: (hook: KeptHook) => boolean): KeptHook | undefined => byId.values().find(isIt);
  return {
    named: (id) => byId.get(id),
    of: (repositoryId) => find((hook) => hook.repositoryId === repositoryId),
    ofApp: (forge) => find((hook) => hook.repositoryId === null && hook.forge === forge),
    all: () => [...byId.values()],
    ensure: async (forge, repositoryId) => {
      const known = find((hook) => hook.forge === forge && hook.repositoryId === repositoryId);
      if (known !== undefined) {
        return known;
      }
      const made = await store.ensure({ id: newId(), forge, repositoryId }, clock.now());
      byId.set(made.id, made);
      return made;
    },
    reload,
    heard: ({ id }) => {
      const now = clock.now();
      if (now - (heardAt.get(id) ?? Number.NEGATIVE_INFINITY) >= HEARD_MS) {
        heardAt.set(id, now);
        void store
          .delivered(id, now)
          .catch((error: unknown) => log.warn({ err: error }, 'when a hook was last heard is not stored'));
      }
    },
    doubt: ({ id }) => {
      const now = clock.now();
      const isNews = now - (doubtedAt.get(id) ?? Number.NEGATIVE_INFINITY) >= DOUBT_MS;
      if (isNews) {
        doubtedAt.set(id, now);
      }
      return isNews;
    },
    isInDoubt: ({ id, checkedAt }) => {
      const at = doubtedAt.get(id);
      return at !== undefined && at >= (checkedAt ?? Number.NEGATIVE_INFINITY);
    },
    takesSecretBefore: ({ id, generation, checkedAt }) => {
      // Until the forge has the new one, it signs with the one before.
      const isOnItsWay = checkedAt === null;
      const at = rotatedAt.get(id) ?? Number.NEGATIVE_INFINITY;
      return generation > 1 && (isOnItsWay || clock.now() - at < ROTATED_MS);
    },
  };
}
