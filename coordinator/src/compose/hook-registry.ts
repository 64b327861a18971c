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
  /** Its secret may not be the one that the forge has. */
  doubt(hook: KeptHook): void;
  isInDoubt(hook: KeptHook): boolean;
}

// A hook is installed anew at most once an hour for a bad signature: whoever knows its address could make us do it.
const DOUBT_MS = 3_600_000;
// When the last delivery came is shown to people: a minute is exact enough.
const HEARD_MS = 60_000;

export interface RegistryOptions {
  readonly store: HookStore;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Every secret is new: what forges have does not fit any more. */
  readonly areSecretsNew: boolean;
}

export function createHookRegistry(options: RegistryOptions): HookRegistry {
  const { store, newId, clock, log } = options;
  let byId = new Map<string, KeptHook>();
  const doubtedAt = new Map<string, number>();
  const heardAt = new Map<string, number>();
  /** What was installed before has the secrets of before. */
  const newSince = options.areSecretsNew ? clock.now() : 0;

  function reload(): void {
    byId = new Map(store.all().map((hook) => [hook.id, hook]));
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
      reload();
      return made;
    },
    reload,
    heard: ({ id }) => {
      const now = clock.now();
      if (now - (heardAt.get(id) ?? 0) >= HEARD_MS) {
        heardAt.set(id, now);
        void store
          .delivered(id, now)
          .catch((error: unknown) => log.warn({ err: error }, 'when a hook was last heard is not stored'));
      }
    },
    doubt: ({ id }) => {
      const now = clock.now();
      if (now - (doubtedAt.get(id) ?? 0) >= DOUBT_MS) {
        doubtedAt.set(id, now);
      }
    },
    isInDoubt: ({ id, checkedAt }) =>
      (doubtedAt.get(id) ?? 0) > (checkedAt ?? 0) || (newSince > (checkedAt ?? 0) && !heardAt.has(id)),
  };
}
