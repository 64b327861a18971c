import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId, LeaseId } from '@argunix/shared/domain/ids';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AT, building, drvPath, openStores } from '../../../test/store-fixture.ts';
import type { FailedBuilds } from '../../ports/failed-builds.ts';
import { createBuildHistory } from './build-history.ts';
import { createFailedBuilds } from './failed-builds.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
let failures: FailedBuilds;
beforeEach(async () => {
  stores = await openStores();
  failures = createFailedBuilds(stores.database);
});
afterEach(async () => {
  await stores.close();
});

const later = (ms: number): EpochMs => (AT + ms) as EpochMs;

/** One build of `name` that failed for a job of an evaluation of its own. */
async function fail(
  name: string,
  isTrusted: boolean,
  at: EpochMs,
): Promise<{ readonly id: EvaluationId; readonly jobId: JobId; readonly leaseId: LeaseId }> {
  const { id, jobIds } = await building(stores, [name]);
  const [jobId = 0 as JobId] = jobIds;
  const attempt = { jobId, attempt: 1 };
  const leaseId = (await stores.jobs.lease(drvPath(name), 'local', [attempt], null, at)) ?? (0 as LeaseId);
  const reason = `failed ${isTrusted ? 'as trusted' : 'for a stranger'}`;
  await stores.jobs.settle(
    [{ ...attempt, status: 'failure', reason, causeJobId: null }],
    { id: leaseId, ending: 'failed', failedBuild: { drvPath: drvPath(name), isTrusted, reason, jobId } },
    at,
  );
  await stores.evaluations.finish(id, 'failure', stores.evaluations.counts(id), at);
  return { id, jobId, leaseId };
}

test('a failure is found again, with the job and the log that tell why', async () => {
  const { jobId, leaseId } = await fail('a', true, AT);

  expect(failures.find([drvPath('a'), drvPath('b')], true, AT)).toEqual(
    new Map([[drvPath('a'), { failedAt: AT, reason: 'failed as trusted', jobId, leaseId }]]),
  );
  expect(failures.find([drvPath('a')], true, later(1))).toEqual(new Map());
});

test('what a stranger’s work did is nothing to trusted work, and the other way it is', async () => {
  await fail('a', false, later(5));
  expect(failures.find([drvPath('a')], true, AT).size).toBe(0);
  expect(failures.find([drvPath('a')], false, AT).size).toBe(1);

  await fail('a', true, AT);

  expect(failures.find([drvPath('a')], true, AT).get(drvPath('a'))?.reason).toBe('failed as trusted');
  expect(failures.find([drvPath('a')], false, AT).get(drvPath('a'))?.reason).toBe('failed for a stranger');
  await fail('a', true, later(9));
  expect(failures.find([drvPath('a')], false, AT).get(drvPath('a'))).toMatchObject({
    failedAt: later(9),
    reason: 'failed as trusted',
  });
});

test('a job that is restarted is built again', async () => {
  const { id, jobId } = await fail('a', true, AT);
  await fail('b', true, AT);

  await stores.jobs.restart(id, [jobId], AT);

  expect([...failures.find([drvPath('a'), drvPath('b')], true, AT).keys()]).toEqual([drvPath('b')]);
});

test('a restart forgets the step that nobody asked for by name, whose log the job shows', async () => {
  const { id, jobIds } = await building(stores, ['top']);
  const [jobId = 0 as JobId] = jobIds;
  const leaseId = (await stores.jobs.lease(drvPath('inner'), 'local', [], null, AT)) ?? (0 as LeaseId);
  const failedBuild = { drvPath: drvPath('inner'), isTrusted: true, reason: 'exit 3', jobId };
  await stores.jobs.settle(
    [{ jobId, attempt: 1, status: 'dependency_failed', reason: 'inner', causeJobId: null, leaseId }],
    { id: leaseId, ending: 'failed', failedBuild },
    AT,
  );
  await stores.evaluations.finish(id, 'failure', stores.evaluations.counts(id), AT);
  expect(stores.jobs.find(jobId)).toMatchObject({ status: 'dependency_failed', leaseId });
  expect(failures.find([drvPath('inner')], true, AT).size).toBe(1);

  await stores.jobs.restart(id, [jobId], AT);

  expect(failures.find([drvPath('inner')], true, AT).size).toBe(0);
  expect(stores.views.attempts(jobId)).toMatchObject([{ number: 1, leaseId }]);
});

test('a build that went well is remembered for its time, and its failure no more', async () => {
  await fail('a', true, AT);
  const lease = (await stores.jobs.lease(drvPath('a'), 'local', [], null, AT)) ?? (0 as LeaseId);

  await stores.jobs.settle([], { id: lease, ending: 'built', built: { name: 'a', tookMs: 1_234 } }, AT);

  expect(failures.find([drvPath('a')], true, AT).size).toBe(0);
  expect(createBuildHistory(stores.database).expectedMs(['a'])).toEqual(new Map([['a', 1_234]]));
});

test('old failures are forgotten, and asked for ones at once', async () => {
  await fail('old', true, AT);
  await fail('young', true, later(10));
  await fail('asked', true, later(10));

  expect(await failures.prune(later(5))).toBe(1);
  await failures.forget([drvPath('asked')]);

  expect([...failures.find([drvPath('old'), drvPath('young'), drvPath('asked')], true, AT).keys()]).toEqual([
    drvPath('young'),
  ]);
});
