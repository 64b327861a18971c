/** The door for deliveries, with what the coordinator does about what comes through it. */
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { forgeNamed } from '../domain/forge-named.ts';
import type { Wishes } from '../flows/handle-deliveries.ts';
import { createDeliveryDoor } from '../flows/receive-delivery.ts';
import type { DeliveryDoor } from '../ports/delivery-door.ts';
import type { DeliveryStore } from '../ports/delivery-store.ts';
import type { HookSecrets } from '../ports/hook-secrets.ts';
import { createDeliveryReader } from './delivery-reader.ts';
import type { ComposedForge, Forges } from './forges.ts';
import type { HookRegistry } from './hook-registry.ts';

export interface ForgeDoorOptions {
  readonly deliveries: DeliveryStore;
  readonly secrets: HookSecrets;
  readonly hooks: HookRegistry;
  readonly forges: Forges;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whatever letter case it is written in. */
  repositoryOf(forge: string, slug: string): RepositoryId | undefined;
  wishesOf(id: RepositoryId): Wishes | undefined;
  onStored(): void;
  /** As its forge last said; null where it did not yet. */
  isPrivate(id: RepositoryId): boolean | null;
  /** Looks at the repository now. */
  poke(id: RepositoryId): void;
  tendAppHook(composed: ComposedForge): void;
  onInstallations(forge: string): void;
}

export function createForgeDoor(options: ForgeDoorOptions): {
  readonly take: DeliveryDoor;
  close(): Promise<void>;
} {
  const { deliveries, secrets, hooks, forges, clock, log } = options;
  const reader = createDeliveryReader({ log });
  const take = createDeliveryDoor({
    deliveries,
    reader,
    secrets,
    clock,
    forgeOf: (nameOrKind) => {
      const settings = forgeNamed(forges.all(), nameOrKind)?.settings;
      return settings === undefined
        ? undefined
        : {
            name: settings.name,
            kind: settings.kind,
            repositoryOf: (slug) => options.repositoryOf(settings.name, slug),
          };
    },
    hookNamed: (id) => hooks.named(id),
    hookOf: (id) => hooks.of(id),
    appHookOf: (forge) => (forges.get(forge)?.appHook === null ? undefined : hooks.ofApp(forge)),
    takesSecretBefore: (hook) => hooks.takesSecretBefore(hook),
    wishesOf: (id) => options.wishesOf(id),
    onStored: () => options.onStored(),
    onHeard: (hook, hint, id) => {
      hooks.heard(hook);
      // A repository that was made private or public: asked for at once, for strangers may be looking.
      const said = hint?.isPrivate ?? null;
      if (id !== null && said !== null && said !== options.isPrivate(id)) {
        options.poke(id);
      }
    },
    onDoubt: (hook) => {
      // Else whoever knows the address could make us ask the forge again and again.
      if (!hooks.doubt(hook)) {
        return;
      }
      const composed = forges.get(hook.forge);
      if (hook.repositoryId !== null) {
        options.poke(hook.repositoryId);
      } else if (composed !== undefined) {
        options.tendAppHook(composed);
      }
    },
    onInstallations: (forge) => options.onInstallations(forge),
  });
  return { take, close: () => reader.close() };
}
