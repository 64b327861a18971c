import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { BuildObserver, BuildRequest } from '@argunix/shared/domain/build-request';
import { storePathName } from '@argunix/shared/domain/store-path';
import type { Builder } from '../coordinator/src/ports/builder.ts';
import { createDispatching, type Dispatching } from '../coordinator/test/dispatching.ts';
import { createFakeBuilder } from '../coordinator/test/fakes/fake-builder.ts';
import { createFakeFleet } from '../coordinator/test/fakes/fake-fleet.ts';
import { building, drvPath, openStores, type Stores } from '../coordinator/test/store-fixture.ts';
import { type Bench, type Figure, toFigure } from './figure.ts';

const BUILDS = 300;
const SLOTS = 4;

export const bench: Bench = {
  about: `the dispatcher on a database file (every lease and every end durable) with a builder whose builds take no time: from the end of a build to the next one in its place (${BUILDS} jobs side by side), and to the job that waited for it (${BUILDS} in a chain)`,
  async *run(): AsyncGenerator<Figure> {
    for (const [name, isChain, atMost] of [
      ['slot-fill', false, 20],
      ['slot-fill.became-ready', true, 50],
    ] as const) {
      const samples = await measure(isChain);
      yield toFigure({ name, unit: 'ms', samples, statistic: 'p99', atMost });
      yield toFigure({ name: `${name}.median`, unit: 'ms', samples });
    }
  },
};

async function measure(isChain: boolean): Promise<readonly number[]> {
  const stores = await openStores();
  const clocked = createClockedBuilder(isChain ? 1 : SLOTS);
  const made = createDispatching(stores, createFakeFleet([clocked.builder]));
  try {
    await made.dispatcher.start();
    await buildAll(stores, made, isChain);
    await clocked.ended;
    // The first of each slot had no end before it, and caches are cold.
    return clocked.waits.slice(20);
  } finally {
    await made.dispatcher.stop();
    await stores.close();
  }
}

async function buildAll(stores: Stores, { dispatcher, store }: Dispatching, isChain: boolean): Promise<void> {
  const names = Array.from({ length: BUILDS }, (_, at) => `j${String(at).padStart(4, '0')}`);
  for (const [at, name] of isChain ? names.entries() : []) {
    const before = names[at - 1];
    store.inputs.set(drvPath(name), before === undefined ? [] : [drvPath(before)]);
  }
  const { id } = await building(stores, names);
  await dispatcher.adopt(id);
}

/**
 * Builds of two milliseconds, so many at a time as it was given places for, one after the other in each: a wait is the
 * time from the end of a build to the beginning of the next in some place.
 */
function createClockedBuilder(slots: number): {
  readonly builder: Builder;
  readonly waits: number[];
  readonly ended: Promise<void>;
} {
  const waits: number[] = [];
  const ends: number[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let left = BUILDS;
  async function run({ leaseId, drvPath: path }: BuildRequest, observer: BuildObserver): Promise<void> {
    const endedAt = ends.shift();
    if (endedAt !== undefined) {
      waits.push(performance.now() - endedAt);
    }
    observer.started(leaseId);
    await new Promise((done) => setTimeout(done, 2));
    ends.push(performance.now());
    observer.ended(leaseId, { kind: 'built' } satisfies BuildEnding);
    left -= 1;
    if (left === 0) {
      resolve();
    } else if (left < 0) {
      throw new Error(`${storePathName(path)} was built twice`);
    }
  }
  return {
    waits,
    ended,
    builder: {
      ...createFakeBuilder(slots),
      build: async (requests, places, _limits, observer) => {
        const open = [...requests];
        const place = async (): Promise<void> => {
          for (let next = open.shift(); next !== undefined; next = open.shift()) {
            await run(next, observer);
          }
        };
        await Promise.all(Array.from({ length: places }, place));
      },
    },
  };
}
