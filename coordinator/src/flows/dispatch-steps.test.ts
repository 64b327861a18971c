import type { JobId } from '@argunix/shared/domain/ids';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDispatching } from '../../test/dispatching.ts';
import { createFakeBuilder, type FakeBuilder } from '../../test/fakes/fake-builder.ts';
import { createFakeFleet } from '../../test/fakes/fake-fleet.ts';
import type { FakeRoots, FakeStore } from '../../test/fakes/fake-store.ts';
import { AT, building, drvPath, openStores } from '../../test/store-fixture.ts';
import { until } from '../../test/until.ts';
import { cancelEvaluation } from './cancel-evaluation.ts';
import { cancelJob } from './cancel-job.ts';
import type { Dispatcher } from './dispatch-steps.ts';
import { restartJob } from './restart-job.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
let builder: FakeBuilder;
let dispatcher: Dispatcher;
let store: FakeStore;
let roots: FakeRoots;
let ports: () => ReturnType<typeof createDispatching>['ports'];

async function startDispatcher({ slots = 2, retryMs = 1 } = {}): Promise<void> {
  builder = createFakeBuilder(slots);
  const made = createDispatching(stores, createFakeFleet([builder]), { retryMs });
  ({ dispatcher, store, roots } = made);
  ports = () => made.ports;
  await dispatcher.start();
}
beforeEach(async () => {
  stores = await openStores();
  await startDispatcher();
});
afterEach(async () => {
  await dispatcher.stop();
  await stores.close();
});

const table = (evaluationId: number): Record<string, string> =>
  Object.fromEntries(
    stores.views.jobs({ evaluationId, limit: 100 }).map(({ attr, status }) => [attr, status]),
  );
const given = (names: readonly string[]) =>
  until(`${names.join(', ')} are given out`, () => names.every((name) => builder.open().includes(name)));
const done = (id: number) =>
  until('the evaluation is done', () => stores.views.evaluation(id)?.status === 'done');

test('an evaluation without jobs is done at once, and a success', async () => {
  const { id } = await building(stores, []);

  await dispatcher.adopt(id);

  expect(stores.views.evaluation(id)).toMatchObject({ status: 'done', outcome: 'success' });
});

test('a job is built after what it needs, also through derivations that are no jobs', async () => {
  const { id } = await building(stores, ['app', 'lib']);
  store.inputs.set(drvPath('app'), [drvPath('between')]);
  store.inputs.set(drvPath('between'), [drvPath('lib')]);

  await dispatcher.adopt(id);
  await given(['lib']);
  expect(builder.open()).toEqual(['lib']);
  builder.finish('lib');
  await given(['app']);
  builder.finish('app');
  await done(id);

  expect(table(id)).toEqual({ app: 'success', lib: 'success' });
});

test('a failure is carried to what needs it, names its cause, and leaves the rest alone', async () => {
  const { id, jobIds } = await building(stores, ['lib', 'app', 'image', 'other']);
  store.inputs.set(drvPath('app'), [drvPath('lib')]);
  store.inputs.set(drvPath('image'), [drvPath('app')]);

  await dispatcher.adopt(id);
  await given(['lib', 'other']);
  builder.finish('lib', { kind: 'failed', reason: 'builder failed with exit code 1', exitCode: 1 });
  builder.finish('other');
  await done(id);

  expect(table(id)).toEqual({
    lib: 'failure',
    app: 'dependency_failed',
    image: 'dependency_failed',
    other: 'success',
  });
  expect(stores.views.job(jobIds[2] ?? 0)?.reason).toBe('It needs lib, which failed.');
  expect(stores.views.evaluation(id)?.outcome).toBe('failure');
  expect(builder.given.toSorted()).toEqual(['lib', 'other']);
});

test('two evaluations that name one derivation build it once; cancelling one of them does not stop it', async () => {
  const first = await building(stores, ['same'], 'a');
  const second = await building(stores, ['same'], 'b');
  await dispatcher.adopt(first.id);
  await dispatcher.adopt(second.id);
  await given(['same']);

  await cancelEvaluation(ports(), first.id, 'not wanted');
  expect(builder.open()).toEqual(['same']);
  builder.finish('same');
  await done(second.id);

  expect([table(first.id), table(second.id)]).toEqual([{ same: 'cancelled' }, { same: 'success' }]);
  expect(builder.given).toEqual(['same']);
});

test('a build that nobody wants any more is stopped, and its derivation can be leased again', async () => {
  const { id } = await building(stores, ['slow']);
  await dispatcher.adopt(id);
  await given(['slow']);

  await cancelEvaluation(ports(), id, 'not wanted');
  await until('the build was stopped', () => builder.open().length === 0);
  const again = await building(stores, ['slow'], 'b');
  await dispatcher.adopt(again.id);
  await given(['slow']);
  builder.finish('slow');
  await done(again.id);

  expect([table(id), table(again.id)]).toEqual([{ slow: 'cancelled' }, { slow: 'success' }]);
});

test('a cancelled job takes along what needs it, not what it needs', async () => {
  const { id, jobIds } = await building(stores, ['lib', 'app', 'image']);
  store.inputs.set(drvPath('app'), [drvPath('lib')]);
  store.inputs.set(drvPath('image'), [drvPath('app')]);
  await dispatcher.adopt(id);
  await given(['lib']);

  expect(await cancelJob(ports(), jobIds[1] ?? (0 as JobId))).toEqual({ kind: 'done' });
  expect(await cancelJob(ports(), jobIds[1] ?? (0 as JobId))).toMatchObject({ kind: 'refused' });
  builder.finish('lib');
  await done(id);

  expect(table(id)).toEqual({ lib: 'success', app: 'cancelled', image: 'dependency_failed' });
  expect(stores.views.evaluation(id)?.outcome).toBe('error');
});

test('what the host spoils is tried again and then given up as an error, never as a failure', async () => {
  const { id, jobIds } = await building(stores, ['flaky', 'hopeless']);
  await dispatcher.adopt(id);
  await given(['flaky', 'hopeless']);
  builder.finish('flaky', { kind: 'infrastructure', reason: 'the daemon is gone' });
  await given(['flaky']);
  builder.finish('flaky');
  for (let tries = 0; tries < 3; tries += 1) {
    await given(['hopeless']);
    builder.finish('hopeless', { kind: 'infrastructure', reason: 'the disk is full' });
  }
  await done(id);

  expect(table(id)).toEqual({ flaky: 'success', hopeless: 'error' });
  expect(stores.views.job(jobIds[1] ?? 0)?.reason).toBe('Tried 3 times: the disk is full');
});

test('what was built when the coordinator died is a success after its restart, not a cache hit', async () => {
  const { id } = await building(stores, ['built', 'waiting']);
  store.inputs.set(drvPath('waiting'), [drvPath('built')]);
  await dispatcher.adopt(id);
  await given(['built']);
  builder.start('built');
  await until('it runs', () => table(id)['built'] === 'running');

  // As after a kill -9: nothing of the old dispatcher says another word.
  await stores.jobs.loseLeases(AT, 'all');
  const inputs = store.inputs;
  await startDispatcher();
  for (const [name, needed] of inputs) {
    store.inputs.set(name, needed);
  }
  await dispatcher.adopt(id);
  await given(['built']);
  builder.finish('built', { kind: 'substituted' });
  await given(['waiting']);
  builder.finish('waiting', { kind: 'substituted' });
  await done(id);

  expect(table(id)).toEqual({ built: 'success', waiting: 'cached' });
});

test('a restarted job is built again, with what failed by it', async () => {
  const { id, jobIds } = await building(stores, ['lib', 'app']);
  store.inputs.set(drvPath('app'), [drvPath('lib')]);
  store.valid.add(drvPath('lib')).add(drvPath('app'));
  await dispatcher.adopt(id);
  await given(['lib']);
  builder.finish('lib', { kind: 'failed', reason: 'flaky', exitCode: 1 });
  await done(id);

  expect(await restartJob(ports(), jobIds[1] ?? (0 as JobId))).toEqual({ kind: 'done' });
  expect(stores.views.evaluation(id)?.status).toBe('building');
  await given(['lib']);
  builder.finish('lib');
  await given(['app']);
  builder.finish('app');
  await done(id);

  expect(table(id)).toEqual({ lib: 'success', app: 'success' });
  expect(stores.views.attempts(jobIds[1] ?? 0)).toMatchObject([{ number: 1, status: 'dependency_failed' }]);
});

test('stopping puts what is being built back in the queue', async () => {
  const { id } = await building(stores, ['slow']);
  await dispatcher.adopt(id);
  await given(['slow']);
  builder.start('slow');
  await until('it runs', () => table(id)['slow'] === 'running');

  await dispatcher.stop();

  expect(table(id)).toEqual({ slow: 'queued' });
  expect(builder.open()).toEqual([]);
});

test('a free slot is given to what is ready, as long as there is one', async () => {
  const { id } = await building(stores, ['a', 'b', 'c', 'd']);
  await dispatcher.adopt(id);
  await given(['a', 'b', 'c', 'd']);
  expect(dispatcher.slotsUsed).toBe(2);
  for (const name of ['a', 'b', 'c']) {
    builder.finish(name);
  }
  await until('one slot is free', () => dispatcher.slotsUsed === 1);
  const next = await building(stores, ['e'], 'b');
  await dispatcher.adopt(next.id);
  await given(['d', 'e']);
  builder.finish('d');
  builder.finish('e');
  await done(next.id);

  expect(dispatcher.slotsUsed).toBe(0);
});

test('a job whose derivation is being built already shows that build as its own: running, with its log', async () => {
  const first = await building(stores, ['same'], 'a');
  await dispatcher.adopt(first.id);
  await given(['same']);
  builder.start('same');
  await until('it runs', () => table(first.id)['same'] === 'running');

  const second = await building(stores, ['same'], 'b');
  await dispatcher.adopt(second.id);
  await until('the other runs too', () => table(second.id)['same'] === 'running');
  expect(stores.jobs.find(second.jobIds[0] ?? (0 as JobId))?.leaseId).toBe(
    stores.jobs.find(first.jobIds[0] ?? (0 as JobId))?.leaseId,
  );
  builder.finish('same', { kind: 'failed', reason: 'it does not compile', exitCode: 1 });
  await done(second.id);

  expect([table(first.id), table(second.id)]).toEqual([{ same: 'failure' }, { same: 'failure' }]);
  expect(roots.owners.get(`eval-${second.id}-outs`)?.size).toBe(1);
});

test('a job that is cancelled while its evaluation is taken over is not built', async () => {
  const { id, jobIds } = await building(stores, ['unwanted', 'wanted']);
  const adopting = dispatcher.adopt(id);
  const cancelling = cancelJob(ports(), jobIds[0] ?? (0 as JobId));
  await Promise.all([adopting, cancelling]);
  await given(['wanted']);
  builder.finish('wanted');
  await done(id);

  expect(table(id)).toEqual({ unwanted: 'cancelled', wanted: 'success' });
});

test('a job that is restarted in the moment in which it ends is built again', async () => {
  const { id, jobIds } = await building(stores, ['flaky']);
  store.valid.add(drvPath('flaky'));
  await dispatcher.adopt(id);
  await given(['flaky']);
  builder.finish('flaky', { kind: 'failed', reason: 'flaky', exitCode: 1 });
  await until('its end is stored', async () => {
    const [jobId] = jobIds;
    return jobId !== undefined && (await restartJob(ports(), jobId)).kind === 'done';
  });
  await given(['flaky']);
  builder.finish('flaky');
  await done(id);

  expect(table(id)).toEqual({ flaky: 'success' });
});

test('a build that waits for its next try does not hold up the others of its batch', async () => {
  await dispatcher.stop();
  await startDispatcher({ slots: 1, retryMs: 60_000 });
  const { id, jobIds } = await building(stores, ['spoiled', 'fine']);
  await dispatcher.adopt(id);
  await given(['spoiled', 'fine']);
  builder.finish('spoiled', { kind: 'infrastructure', reason: 'the disk is full' });
  builder.finish('fine');
  await until('the slot is free', () => dispatcher.slotsUsed === 0);

  await cancelJob(ports(), jobIds[0] ?? (0 as JobId));
  await done(id);

  expect(table(id)).toEqual({ spoiled: 'cancelled', fine: 'success' });
});
