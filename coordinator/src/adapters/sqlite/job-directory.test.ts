import { type JobId, toLeaseId } from '@argunix/shared/domain/ids';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AT, building, drvPath, openStores } from '../../../test/store-fixture.ts';
import { createJobDirectory } from './job-directory.ts';
import { createViews } from './views.ts';

const HOUR_MS = 3_600_000;
let stores: Awaited<ReturnType<typeof openStores>>;

beforeEach(async () => {
  stores = await openStores();
});
afterEach(async () => await stores.close());

function directory(): ReturnType<typeof createJobDirectory> {
  return createJobDirectory(stores.database, { externalUrl: 'http://ci.test' });
}

test('jobs are found by any number of ids, and ids that name none are left out', async () => {
  const { id, jobIds } = await building(stores, ['a', 'b', 'c']);
  const [a, , c] = jobIds;

  const found = directory().jobs([c ?? (0 as JobId), a ?? (0 as JobId), 999 as JobId]);

  expect([...found.keys()].toSorted()).toEqual([a, c]);
  expect(found.get(a ?? (0 as JobId))).toMatchObject({
    ref: {
      eval_id: id,
      attr: 'a',
      repo: { forge: 'here', slug: 'demo/sample' },
      url: `http://ci.test/r/here/demo/sample/eval/${id}/job/a`,
    },
    drvPath: drvPath('a'),
    isTrusted: true,
  });
  expect(directory().jobs([]).size).toBe(0);
});

test('a lease knows the jobs whose log is its own, also those that name another derivation', async () => {
  const { jobIds } = await building(stores, ['a', 'b']);
  const [a = 0 as JobId, b = 0 as JobId] = jobIds;
  const leaseId = await stores.jobs.lease(drvPath('gcc'), 'rack-1', [{ jobId: a, attempt: 1 }], null, AT);
  await stores.database.write([
    { sql: 'update jobs set lease_id = ? where id = ?', parameters: [leaseId ?? 0, b] },
  ]);

  expect(directory().lease(leaseId ?? toLeaseId(0))).toMatchObject({
    drvPath: drvPath('gcc'),
    builder: 'rack-1',
  });
  expect(
    directory()
      .jobsOfLease(leaseId ?? toLeaseId(0))
      .map(({ ref }) => ref.attr),
  ).toEqual(['a', 'b']);
  expect(stores.views.job(b)?.log_drv_path).toBe(drvPath('gcc'));
  expect(directory().lease(toLeaseId(99))).toBeUndefined();
});

test('a failure that stands for a later job is told with its end, as long as both are kept', async () => {
  const { id, jobIds } = await building(stores, ['a', 'b']);
  const [a = 0 as JobId, b = 0 as JobId] = jobIds;
  const views = createViews(stores.database, {
    externalUrl: 'http://ci.test',
    waitingReason: () => null,
    failureCacheMs: 24 * HOUR_MS,
  });
  await stores.database.write([
    { sql: 'update jobs set earlier_job_id = ? where id = ?', parameters: [a, b] },
    {
      sql: `insert into failed_builds (drv_path, is_trusted, failed_at, reason, job_id) values (?, 1, ?, 'exit 1', ?)`,
      parameters: [drvPath('b'), AT - HOUR_MS, a],
    },
    // A stranger's failure of the same derivation says nothing about this one.
    {
      sql: `insert into failed_builds (drv_path, is_trusted, failed_at, reason, job_id) values (?, 0, ?, 'exit 1', ?)`,
      parameters: [drvPath('b'), AT, a],
    },
  ]);

  expect(views.job(a)?.earlier).toBeNull();
  expect(views.job(b)?.earlier).toEqual({
    job_id: a,
    eval_id: id,
    attr: 'a',
    repo: { forge: 'here', slug: 'demo/sample' },
    url: `http://ci.test/r/here/demo/sample/eval/${id}/job/a`,
    log_url: null,
    failed_at: new Date(AT - HOUR_MS).toISOString(),
    until: new Date(AT + 23 * HOUR_MS).toISOString(),
  });

  await stores.database.write([
    { sql: 'update jobs set earlier_job_id = 999 where id = ?', parameters: [b] },
  ]);

  expect(views.job(b)?.earlier).toBeNull();
});
