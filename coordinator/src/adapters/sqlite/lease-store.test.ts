import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { JobId, LeaseId } from '@argunix/shared/domain/ids';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AT, building, drvPath, openStores } from '../../../test/store-fixture.ts';
import type { JobAttempt } from '../../domain/job-attempt.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
beforeEach(async () => {
  stores = await openStores();
});
afterEach(async () => {
  await stores.close();
});

const later = (ms: number): EpochMs => (AT + ms) as EpochMs;

async function jobsOf(names: readonly string[]): Promise<readonly JobAttempt[]> {
  const { jobIds } = await building(stores, names);
  return jobIds.map((jobId) => ({ jobId, attempt: 1 }));
}
async function leased(name: string, builder: string, attempts: readonly JobAttempt[]): Promise<LeaseId> {
  const lease = await stores.jobs.lease(drvPath(name), builder, attempts, stores.repository.id, AT);
  if (lease === undefined) {
    throw new Error('the lease was refused');
  }
  return lease;
}
const stateOf = ({ jobId }: JobAttempt): unknown => stores.jobs.find(jobId);

test('a lease tells what it is of, and when its builder began: the first time', async () => {
  const lease = await leased('inner', 'here', []);
  expect(stores.jobs.activeLeases()).toEqual([
    { id: lease, drvPath: drvPath('inner'), builder: 'here', createdAt: AT, startedAt: null },
  ]);

  await stores.jobs.begin([], lease, later(5));
  await stores.jobs.begin([], lease, later(9));

  expect(stores.jobs.activeLeases()).toMatchObject([{ id: lease, startedAt: later(5) }]);
  await stores.jobs.settle([], { id: lease, ending: 'built' }, later(20));
  expect(stores.jobs.activeLeases()).toEqual([]);
});

test('what a repository used is the time that builders built for it, not the time it waited', async () => {
  const first = await leased('a', 'here', []);
  const second = await leased('b', 'here', []);
  const fetched = await leased('c', 'here', []);
  const unfinished = await leased('d', 'here', []);
  await stores.jobs.begin([], first, later(100));
  await stores.jobs.begin([], second, later(100));
  await stores.jobs.begin([], unfinished, later(100));
  await stores.jobs.settle([], { id: first, ending: 'built' }, later(150));
  await stores.jobs.settle([], { id: second, ending: 'failed' }, later(300));
  await stores.jobs.settle([], { id: fetched, ending: 'substituted' }, later(300));

  expect(stores.jobs.recentUse(AT)).toEqual(new Map([[stores.repository.id, 250]]));
  expect(stores.jobs.recentUse(later(200))).toEqual(new Map([[stores.repository.id, 200]]));
  expect(stores.jobs.recentUse(later(301))).toEqual(new Map());
});

test('what comes back unbegun has no lease any more; what was spoiled still names its log', async () => {
  const [returned = { jobId: 0 as JobId, attempt: 1 }, spoiled = returned] = await jobsOf(['a', 'b']);
  const one = await leased('a', 'here', [returned]);
  const other = await leased('b', 'here', [spoiled]);
  await stores.jobs.begin([spoiled], other, AT);

  await stores.jobs.requeue([returned], one, 'returned', AT);
  await stores.jobs.requeue([spoiled], other, 'infrastructure', AT);

  expect(stateOf(returned)).toMatchObject({ status: 'queued', leaseId: null });
  expect(stateOf(spoiled)).toMatchObject({ status: 'queued', leaseId: other });
  expect(stores.jobs.activeLeases()).toEqual([]);
});

test('only the leases of the named builders are lost, and their jobs wait again', async () => {
  const [local = { jobId: 0 as JobId, attempt: 1 }, remote = local, unheld = local] = await jobsOf([
    'a',
    'b',
    'c',
  ]);
  const mine = await leased('a', 'local', [local]);
  const theirs = await leased('b', 'laptop', [remote]);
  await stores.jobs.begin([local], mine, AT);
  await stores.jobs.begin([remote], theirs, AT);
  await stores.jobs.begin([unheld], 99 as LeaseId, AT);

  expect(await stores.jobs.loseLeases(AT, ['local', 'other'])).toBe(1);

  expect(stores.jobs.activeLeases().map(({ id }) => id)).toEqual([theirs]);
  expect(stateOf(local)).toMatchObject({ status: 'queued', leaseId: mine });
  expect(stateOf(remote)).toMatchObject({ status: 'running', leaseId: theirs });
  expect(stateOf(unheld)).toMatchObject({ status: 'queued' });
  expect(await stores.jobs.loseLeases(AT, 'all')).toBe(1);
  expect(stateOf(remote)).toMatchObject({ status: 'queued', leaseId: theirs });
});

test('one lease is lost once, with the jobs that were its own', async () => {
  const [job = { jobId: 0 as JobId, attempt: 1 }, other = job] = await jobsOf(['a', 'b']);
  const lease = await leased('a', 'laptop', [job]);
  const another = await leased('b', 'laptop', [other]);
  await stores.jobs.begin([job], lease, AT);
  await stores.jobs.begin([other], another, AT);

  expect(await stores.jobs.loseLease(lease, AT, 'its builder is gone')).toEqual([job]);
  expect(await stores.jobs.loseLease(lease, AT, 'its builder is gone')).toEqual([]);

  expect(stateOf(job)).toMatchObject({ status: 'queued', leaseId: lease });
  expect(stateOf(other)).toMatchObject({ status: 'running' });
});

test('a wish reaches what has not ended, and lasts until the next attempt', async () => {
  const { id, jobIds } = await building(stores, ['a', 'b']);
  const [one = 0 as JobId, two = 0 as JobId] = jobIds;
  await stores.jobs.settle(
    [{ jobId: two, attempt: 1, status: 'failure', reason: null, causeJobId: null, earlierJobId: one }],
    null,
    AT,
  );

  expect(await stores.jobs.bump([one, two, 99 as JobId], later(3))).toBe(1);

  expect(stores.jobs.find(one)).toMatchObject({ bumpedAt: later(3), name: 'a' });
  expect(stores.jobs.find(two)).toMatchObject({ bumpedAt: null });
  await stores.jobs.settle(
    [{ jobId: one, attempt: 1, status: 'failure', reason: null, causeJobId: null }],
    null,
    AT,
  );
  await stores.evaluations.finish(id, 'failure', stores.evaluations.counts(id), AT);
  await stores.jobs.restart(id, [one], AT);
  expect(stores.jobs.find(one)).toMatchObject({ bumpedAt: null, attempt: 2 });
});
