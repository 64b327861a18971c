import type { GitRef } from '@argunix/shared/domain/git-ref';
import { AppError } from '@argunix/shared/kit/app-error';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeCheckout } from '../../test/fakes/fake-evaluator.ts';
import { openStores, PLAIN_INBOX, sha } from '../../test/store-fixture.ts';
import { until } from '../../test/until.ts';
import { handleDeliveries } from './handle-deliveries.ts';
import { lookAtRepository, type WatchedRepository } from './look-at-repository.ts';
import { watchRepository } from './watch-repositories.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
let checkout = createFakeCheckout();
beforeEach(async () => {
  stores = await openStores();
  checkout = createFakeCheckout();
});
afterEach(async () => {
  await stores.close();
});

const main = 'refs/heads/main' as GitRef;
const other = 'refs/heads/other' as GitRef;
const changes = { tell: () => undefined, listen: () => () => undefined };
const watched = (pollMs = 60_000): WatchedRepository => ({
  repository: stores.repository,
  source: { repositoryId: stores.repository.id, url: '/srv/sample.git', credential: null, fetchable: [] },
  pollMs,
  isWatched: (ref) => ref === main,
});
const ports = () => ({
  ...stores,
  checkout,
  changes,
  clock: systemClock,
  log: silentLogger,
  retryMs: 1,
  ...PLAIN_INBOX,
  coalesceMs: 5_000,
  onAccepted: () => Promise.resolve(),
});
const look = () => lookAtRepository(ports(), watched(), new AbortController().signal);

test('a head that is new or moved is delivered once, an unwatched one never', async () => {
  checkout.heads = [
    { ref: main, sha: sha('1') },
    { ref: other, sha: sha('1') },
  ];

  expect(await look()).toMatchObject({ kind: 'fine', pushed: 1 });
  expect(await look()).toMatchObject({ kind: 'fine', pushed: 0 });
  expect(await handleDeliveries(ports())).toBe(1);
  checkout.heads = [{ ref: main, sha: sha('2') }];
  expect(await look()).toMatchObject({ kind: 'fine', pushed: 1 });
  expect(await handleDeliveries(ports())).toBe(1);
  expect(await handleDeliveries(ports())).toBe(0);

  expect(stores.evaluations.living(['queued']).map((one) => one.sha)).toEqual([sha('1'), sha('2')]);
});

test('a branch that is gone is told, and is new when it comes back', async () => {
  checkout.heads = [{ ref: main, sha: sha('1') }];
  await look();
  checkout.heads = [];
  expect(await look()).toEqual({ kind: 'fine', pushed: 0, gone: [main] });
  checkout.heads = [{ ref: main, sha: sha('1') }];

  expect(await look()).toMatchObject({ pushed: 1 });
});

test('the same revision delivered twice within the window is one evaluation', async () => {
  checkout.heads = [{ ref: main, sha: sha('1') }];
  await look();
  await handleDeliveries(ports());
  checkout.heads = [];
  await look();
  checkout.heads = [{ ref: main, sha: sha('1') }];
  await look();

  expect(await handleDeliveries(ports())).toBe(0);
  expect(stores.deliveries.pending()).toEqual([]);
});

test('trouble with the source is shown until it is over', async () => {
  checkout.trouble = new AppError('git.unreachable', 'connection refused');
  await look();
  expect(stores.views.repository('here', 'demo/sample')?.trouble).toBe('connection refused');
  checkout.trouble = undefined;
  await look();

  expect(stores.views.repository('here', 'demo/sample')?.trouble).toBeNull();
});

test('a poke brings the next look forward, also one that comes while it looks', async () => {
  const stop = new AbortController();
  let pushes = 0;
  const watch = watchRepository(
    { ...ports(), onPushed: () => void (pushes += 1), onBranchesGone: () => undefined },
    watched(),
    stop.signal,
  );
  checkout.heads = [{ ref: main, sha: sha('1') }];
  watch.poke();
  await until('the first push is seen', () => pushes === 1);
  checkout.heads = [{ ref: main, sha: sha('2') }];
  watch.poke();
  await until('the second push is seen', () => pushes === 2);
  stop.abort();

  await expect(watch.ended).resolves.toBeUndefined();
});

test('a first look at thousands of branches makes an evaluation of each, and the next look none', async () => {
  checkout.heads = Array.from({ length: 2_500 }, (_, at) => ({
    ref: `refs/heads/branch-${at}` as GitRef,
    sha: sha('1'),
  }));
  const all = { ...watched(), isWatched: () => true };
  const { signal } = new AbortController();

  expect(await lookAtRepository(ports(), all, signal)).toMatchObject({ kind: 'fine', pushed: 2_500 });
  expect(await handleDeliveries(ports())).toBe(2_500);
  expect(await lookAtRepository(ports(), all, signal)).toEqual({ kind: 'fine', pushed: 0, gone: [] });

  expect(stores.deliveries.pending()).toEqual([]);
});

test('a mistake of ours in one look does not end the watch', async () => {
  const stop = new AbortController();
  checkout.heads = [{ ref: main, sha: sha('1') }];
  let looks = 0;
  let pushes = 0;
  const repositories = {
    ...stores.repositories,
    recordLook: (...args: Parameters<typeof stores.repositories.recordLook>) => {
      looks += 1;
      // The second of the first look is that it tells of its trouble.
      return looks > 2 ? stores.repositories.recordLook(...args) : Promise.reject(new TypeError('a bug'));
    },
  };
  const watch = watchRepository(
    { ...ports(), repositories, onPushed: () => void (pushes += 1), onBranchesGone: () => undefined },
    watched(1),
    stop.signal,
  );
  await until('the push is seen', () => pushes === 1);
  stop.abort();

  await expect(watch.ended).resolves.toBeUndefined();
});
