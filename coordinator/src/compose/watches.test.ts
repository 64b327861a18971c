import type { RepositoryId } from '@argunix/shared/domain/ids';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeChanges } from '../../test/fakes/changes.ts';
import { openStores } from '../../test/store-fixture.ts';
import { until } from '../../test/until.ts';
import type { Source, SourceCheckout } from '../ports/source-checkout.ts';
import type { ConfiguredRepository } from './repositories.ts';
import { createWatches, type Watches } from './watches.ts';

interface Look {
  readonly source: Source;
  readonly signal: AbortSignal;
  isOver: boolean;
  end(): void;
}

let stores: Awaited<ReturnType<typeof openStores>>;
let looks: Look[] = [];
let stopping = new AbortController();
let watches: Watches;
beforeEach(async () => {
  stores = await openStores();
  looks = [];
  stopping = new AbortController();
  watches = createWatches(
    {
      ...stores,
      checkout: { look } as Partial<SourceCheckout> as SourceCheckout,
      changes: createFakeChanges(),
      clock: systemClock,
      log: silentLogger,
      retryMs: 1,
      onPushed: () => undefined,
      onBranchesGone: () => undefined,
    },
    stopping.signal,
  );
});
afterEach(async () => {
  stopping.abort();
  for (const one of looks) {
    one.end();
  }
  await watches.ended();
  await stores.close();
});

/** Goes on until the test ends it, whatever its signal says: as a process does that is slow to die. */
async function look(source: Source, signal: AbortSignal): ReturnType<SourceCheckout['look']> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const one: Look = { source, signal, isOver: false, end: resolve };
  looks.push(one);
  await promise;
  one.isOver = true;
  return { heads: [], defaultBranch: null };
}
function configured(url: string, more: Partial<ConfiguredRepository> = {}): ConfiguredRepository {
  const source = { repositoryId: stores.repository.id, url, credential: null, fetchable: [] };
  return {
    repository: stores.repository,
    source,
    pollMs: 3_600_000,
    isWatched: () => true,
    watchedBranches: ['main'],
    dropsSuperseded: false,
    buildsRequests: false,
    areSystemsOpen: false,
    settings: {
      source,
      systems: [],
      attributes: [],
      timeoutMs: 1,
      memoryBytes: 1,
      workers: 1,
      allowImportFromDerivation: true,
      allowNetwork: true,
      reuseSameTree: false,
      weight: 1,
    },
    ...more,
  };
}
const follow = (...wanted: readonly ConfiguredRepository[]): void =>
  watches.follow(
    new Map(wanted.map((one): [RepositoryId, ConfiguredRepository] => [one.repository.id, one])),
  );
const looked = (count: number) => until(`there were ${count} looks`, () => looks.length === count);

test('what is added is looked at at once, and a change of what a watch does not go by leaves it alone', async () => {
  follow(configured('/srv/a.git'));
  await looked(1);

  follow(configured('/srv/a.git', { dropsSuperseded: true }));

  expect(looks[0]?.signal.aborted).toBe(false);
  expect(looks).toHaveLength(1);
});

test('what is removed is looked at no more', async () => {
  follow(configured('/srv/a.git'));
  await looked(1);

  follow();
  looks[0]?.end();
  watches.poke(stores.repository.id);
  stopping.abort();
  await watches.ended();

  expect(looks.map(({ signal }) => signal.aborted)).toEqual([true]);
});

test('a new address is looked at once the last look at the old one is over', async () => {
  follow(configured('/srv/a.git'));
  await looked(1);

  follow(configured('/srv/b.git'));
  follow(configured('/srv/c.git'));
  await Promise.resolve();
  expect(looks).toHaveLength(1);
  looks[0]?.end();
  await looked(2);

  expect(looks.map(({ source, isOver }) => [source.url, isOver])).toEqual([
    ['/srv/a.git', true],
    ['/srv/c.git', false],
  ]);
});

test.each([
  ['interval', { pollMs: 1_000 }],
  ['branches', { watchedBranches: ['main', 'next'] }],
])('another %s begins a new watch', async (_what, change) => {
  follow(configured('/srv/a.git'));
  await looked(1);

  follow(configured('/srv/a.git', change));
  looks[0]?.end();
  await looked(2);

  expect(looks.map(({ signal }) => signal.aborted)).toEqual([true, false]);
});
