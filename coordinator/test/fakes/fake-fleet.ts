import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { Builder } from '../../src/ports/builder.ts';
import type { AbsentBuilder, BuilderFleet, FleetEvent, HeldBuild } from '../../src/ports/builder-fleet.ts';

/** Builders that come and go when the test says so. */
export interface FakeFleet extends BuilderFleet {
  join(builder: Builder, held?: readonly HeldBuild[]): void;
  leave(name: string): void;
  remove(name: string): void;
}

export function createFakeFleet(
  builders: readonly Builder[],
  expectedOffline: readonly string[] = [],
): FakeFleet {
  const present = new Map(builders.map((builder) => [builder.name, builder]));
  const absent = new Map<string, AbsentBuilder>();
  const listeners = new Set<(event: FleetEvent) => void>();
  function tell(event: FleetEvent): void {
    for (const listener of listeners) {
      listener(event);
    }
  }
  return {
    get present() {
      return [...present.values()];
    },
    get absent() {
      return [...absent.values()];
    },
    isExpectedOffline: (name) => expectedOffline.includes(name),
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    join: (builder, held = []) => {
      absent.delete(builder.name);
      present.set(builder.name, builder);
      tell({ kind: 'joined', builder, held });
    },
    leave: (name) => {
      const gone = present.get(name);
      if (gone !== undefined) {
        const leftAt = toEpochMs(Date.now());
        present.delete(name);
        absent.set(name, { name, offer: gone.offer, leftAt });
        tell({ kind: 'left', name, at: leftAt });
      }
    },
    remove: (name) => {
      present.delete(name);
      absent.delete(name);
      tell({ kind: 'removed', name });
    },
  };
}
