import type { EvaluationId } from '@argunix/shared/domain/ids';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeChanges } from '../../test/fakes/changes.ts';
import { createFakeDispatcher } from '../../test/fakes/fake-dispatcher.ts';
import { createFakeRoots } from '../../test/fakes/fake-store.ts';
import { silentMetrics } from '../../test/fakes/silent-metrics.ts';
import { AT, building, openStores, queued } from '../../test/store-fixture.ts';
import type { EvaluationSettings } from '../ports/settings.ts';
import { cancelDeparted } from './cancel-departed.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
let aborted: EvaluationId[] = [];
beforeEach(async () => {
  stores = await openStores();
  aborted = [];
});
afterEach(async () => {
  await stores.close();
});

const cancel = (settings: EvaluationSettings | undefined) =>
  cancelDeparted({
    ...stores,
    dispatcher: createFakeDispatcher(stores),
    roots: createFakeRoots(),
    changes: createFakeChanges(),
    clock: systemClock,
    log: silentLogger,
    metrics: silentMetrics,
    queue: { abort: (id) => void aborted.push(id) },
    settingsOf: () => settings,
  });
const SETTINGS: EvaluationSettings = {
  source: { repositoryId: 1 as never, url: '/srv/sample.git', credential: null, fetchable: [] },
  systems: ['x86_64-linux'],
  attributes: ['packages'],
  timeoutMs: 1_000,
  memoryBytes: 1_000,
  workers: 1,
  allowImportFromDerivation: true,
  allowNetwork: true,
  reuseSameTree: false,
  weight: 1,
};

test('a repository that left takes along what waits, evaluates and builds', async () => {
  const waiting = await queued(stores, '1');
  const evaluating = await queued(stores, '2');
  await stores.evaluations.begin(evaluating, AT);
  const { id, jobIds } = await building(stores, ['runs'], '3');

  await cancel(undefined);

  const ended = [waiting, evaluating, id].map((one) => stores.views.evaluation(one));
  expect(ended.map((one) => [one?.status, one?.reason])).toEqual(
    ended.map(() => ['cancelled', 'Its repository is not in the configuration any more.']),
  );
  expect(aborted).toContain(evaluating);
  expect(stores.views.job(jobIds[0] ?? 0)?.status).toBe('cancelled');
});

test('one that is there, or is there again, loses nothing', async () => {
  const waiting = await queued(stores, '1');

  await cancel(SETTINGS);

  expect(stores.views.evaluation(waiting)?.status).toBe('queued');
});
