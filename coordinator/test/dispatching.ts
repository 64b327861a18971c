/** A dispatcher on a real database, with builders, a store and a plan that do what the test says. */
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { createFailedBuilds } from '../src/adapters/sqlite/failed-builds.ts';
import { createDispatcher, type Dispatcher, type DispatchPorts } from '../src/flows/dispatch-steps.ts';
import { createFakeFleet, type FakeFleet } from './fakes/fake-fleet.ts';
import { createFakeLogs } from './fakes/fake-logs.ts';
import { createFakePlan, noHistory } from './fakes/fake-planning.ts';
import { createFakeRoots, createFakeStore, type FakeRoots, type FakeStore } from './fakes/fake-store.ts';
import { silentMetrics } from './fakes/silent-metrics.ts';
import type { Stores } from './store-fixture.ts';

export interface Dispatching {
  readonly dispatcher: Dispatcher;
  readonly fleet: FakeFleet;
  readonly store: FakeStore;
  readonly roots: FakeRoots;
  /** What the flows around it need. */
  readonly ports: Stores &
    Omit<DispatchPorts, 'repositories'> & {
      readonly store: FakeStore;
      readonly dispatcher: Dispatcher;
      readonly queue: NoQueue;
    };
}

interface NoQueue {
  wake(): void;
  whyWaiting(): undefined;
  abort(): void;
  stop(): Promise<void>;
}

export type DispatchingOptions = Partial<
  Pick<DispatchPorts, 'retries' | 'retryMs' | 'failureCacheMs' | 'buildPlan' | 'derivations' | 'history'>
> & { readonly settings?: Partial<DispatchPorts['settings']> };

export const changes = { tell: () => undefined, listen: () => () => undefined };

export function createDispatching(
  stores: Stores,
  fleet: FakeFleet,
  { settings, ...options }: DispatchingOptions = {},
): Dispatching {
  const store = createFakeStore();
  const roots = createFakeRoots();
  const ports: DispatchPorts = {
    ...stores,
    fleet,
    roots,
    changes,
    buildPlan: createFakePlan(store),
    derivations: store,
    history: noHistory,
    failedBuilds: createFailedBuilds(stores.database),
    failureCacheMs: 3_600_000,
    logs: createFakeLogs(),
    clock: systemClock,
    log: silentLogger,
    metrics: silentMetrics,
    limits: { timeoutMs: 1_000, maxSilentMs: 1_000, maxLogBytes: 1_000_000 },
    retries: 2,
    retryMs: 1,
    settings: {
      allowsUnsandboxedUntrusted: false,
      builderWaitMs: 60_000,
      spillGraceMs: 60_000,
      quarantineMs: 60_000,
      weightOf: () => 1,
      ...settings,
    },
    ...options,
  };
  const dispatcher = createDispatcher(ports);
  const queue = {
    wake: () => undefined,
    whyWaiting: () => undefined,
    abort: () => undefined,
    stop: () => Promise.resolve(),
  };
  return { dispatcher, fleet, store, roots, ports: { ...ports, ...stores, store, dispatcher, queue } };
}

/** `name` needs these. */
export function needs(store: FakeStore, name: DerivationPath, ...inputs: readonly DerivationPath[]): void {
  store.inputs.set(name, inputs);
}

export { createFakeFleet };
