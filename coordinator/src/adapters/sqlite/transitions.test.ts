import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { JobId, LeaseId } from '@argunix/shared/domain/ids';
import type { JobEnding } from '@argunix/shared/domain/job-status';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  AT,
  building,
  drvPath,
  MAIN,
  newJob,
  openStores,
  queued,
  received,
  sha,
} from '../../../test/store-fixture.ts';
import type { Settlement } from '../../ports/job-store.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
beforeEach(async () => {
  stores = await openStores();
});
afterEach(async () => {
  await stores.close();
});

function end(
  jobId: JobId | undefined,
  status: JobEnding,
  attempt = 1,
  causeJobId: JobId | null = null,
): Settlement {
  if (jobId === undefined) {
    throw new Error('no such job');
  }
  return { jobId, attempt, status, reason: `became ${status}`, causeJobId };
}
const statusOf = (id: Parameters<typeof stores.evaluations.find>[0]): string | undefined =>
  stores.evaluations.find(id)?.status;
const jobStatus = (id: JobId | undefined): string | undefined =>
  id === undefined ? undefined : stores.jobs.find(id)?.status;

describe('an evaluation', () => {
  test('goes queued, evaluating, building, done, and through no state twice', async () => {
    const id = await queued(stores);

    expect(await stores.evaluations.startBuilding(id, AT)).toBe(false);
    expect(await stores.evaluations.begin(id, AT)).toBe(true);
    expect(await stores.evaluations.begin(id, AT)).toBe(false);
    expect(await stores.evaluations.startBuilding(id, AT)).toBe(true);
    expect(await stores.evaluations.finish(id, 'success', stores.evaluations.counts(id), AT)).toBe(true);
    expect(await stores.evaluations.finish(id, 'failure', stores.evaluations.counts(id), AT)).toBe(false);
    expect(stores.views.evaluation(id)).toMatchObject({ status: 'done', outcome: 'success' });
  });

  test('is not done while a job of it has not ended', async () => {
    const { id, jobIds } = await building(stores, ['a', 'b']);
    await stores.jobs.settle([end(jobIds[0], 'success')], null, AT);

    expect(await stores.evaluations.finish(id, 'success', stores.evaluations.counts(id), AT)).toBe(false);
    await stores.jobs.settle([end(jobIds[1], 'success')], null, AT);

    expect(await stores.evaluations.finish(id, 'success', stores.evaluations.counts(id), AT)).toBe(true);
    expect(stores.views.evaluation(id)?.counts).toMatchObject({ total: 2, success: 2, queued: 0 });
  });

  test('that failed keeps its reason, and a late success does not overwrite it', async () => {
    const id = await queued(stores);
    await stores.evaluations.begin(id, AT);

    expect(await stores.evaluations.fail(id, 'the flake does not parse', AT)).toBe(true);
    expect(await stores.evaluations.startBuilding(id, AT)).toBe(false);
    expect(stores.views.evaluation(id)).toMatchObject({
      status: 'evaluation_failed',
      reason: 'the flake does not parse',
    });
  });

  test('that failed leaves nothing queued of what it had found', async () => {
    const id = await queued(stores);
    await stores.evaluations.begin(id, AT);
    await stores.jobs.insert(id, [newJob('found')], AT);

    await stores.evaluations.fail(id, 'it took too long', AT);

    expect(stores.views.jobs({ evaluationId: id, limit: 9 })).toMatchObject([
      { status: 'cancelled', reason: 'It was not built, because its evaluation failed.' },
    ]);
    expect(stores.views.totals().jobs).toEqual({ queued: 0, running: 0 });
  });

  test('that begins again forgets what an interrupted try had found', async () => {
    const id = await queued(stores);
    await stores.evaluations.begin(id, AT);
    await stores.jobs.insert(id, [newJob('half')], AT);
    await stores.evaluations.requeue(id, null);

    await stores.evaluations.begin(id, AT);

    expect(stores.jobs.hasUnfinished(id)).toBe(false);
  });

  test.each(['cancelled', 'superseded'] as const)(
    'can be %s in every living state, with its unfinished jobs, once',
    async (status) => {
      const waiting = await queued(stores, '1');
      const evaluating = await queued(stores, '2');
      await stores.evaluations.begin(evaluating, AT);
      const { id, jobIds } = await building(stores, ['a', 'b'], '3');
      await stores.jobs.settle([end(jobIds[0], 'success')], null, AT);

      const newer = await queued(stores, '4');
      const how = status === 'cancelled' ? status : { supersededBy: newer };

      for (const living of [waiting, evaluating]) {
        expect(await stores.evaluations.end(living, how, 'why', AT)).toEqual([]);
        expect(statusOf(living)).toBe(status);
      }
      expect(await stores.evaluations.end(id, how, 'why', AT)).toEqual([{ jobId: jobIds[1], attempt: 1 }]);
      expect(await stores.evaluations.end(id, how, 'again', AT)).toBeUndefined();
      expect(stores.evaluations.find(id)?.supersededBy).toBe(status === 'cancelled' ? null : newer);
      expect([jobStatus(jobIds[0]), jobStatus(jobIds[1])]).toEqual(['success', 'cancelled']);
    },
  );

  test('that builds can be dropped for a newer one: what is queued ends, what runs goes on, then it is superseded', async () => {
    const { id, jobIds } = await building(stores, ['runs', 'waits']);
    const [runs = 0 as JobId, waits] = jobIds;
    const newer = await queued(stores, 'b');
    await stores.jobs.begin([{ jobId: runs, attempt: 1 }], 0 as LeaseId, AT);

    expect(await stores.evaluations.dropQueued(id, newer, 'too old', AT)).toEqual([
      { jobId: waits, attempt: 1 },
    ]);
    expect([jobStatus(runs), jobStatus(waits), statusOf(id)]).toEqual(['running', 'cancelled', 'building']);
    expect(await stores.evaluations.dropQueued(id, newer, 'again', AT)).toBeUndefined();
    expect(await stores.evaluations.finish(id, 'error', stores.evaluations.counts(id), AT)).toBe(false);
    await stores.jobs.loseLeases(AT, 'all');
    await stores.jobs.settle([end(runs, 'success')], null, AT);
    expect(await stores.evaluations.finish(id, 'error', stores.evaluations.counts(id), AT)).toBe(true);

    expect(stores.views.evaluation(id)).toMatchObject({
      status: 'superseded',
      outcome: null,
      reason: 'too old',
      counts: { total: 2, success: 1, cancelled: 1 },
    });
    expect(stores.evaluations.find(id)?.supersededBy).toBe(newer);
    expect(stores.views.job(waits ?? 0)?.reason).toBe('too old');
  });

  test('that is being dropped can still be cancelled, and no job of it is restarted', async () => {
    const { id, jobIds } = await building(stores, ['ended', 'runs']);
    const [ended = 0 as JobId, runs = 0 as JobId] = jobIds;
    await stores.jobs.settle([end(ended, 'failure')], null, AT);
    await stores.jobs.begin([{ jobId: runs, attempt: 1 }], 0 as LeaseId, AT);
    await stores.evaluations.dropQueued(id, await queued(stores, 'b'), 'too old', AT);

    expect(await stores.jobs.restart(id, [ended], AT)).toEqual([]);
    expect(await stores.evaluations.end(id, 'cancelled', 'by hand', AT)).toEqual([
      { jobId: runs, attempt: 1 },
    ]);
    expect(stores.views.evaluation(id)).toMatchObject({ status: 'cancelled', reason: 'by hand' });
  });

  test('that builds loses what is queued of it when its branch is gone, and is done with an outcome', async () => {
    const { id, jobIds } = await building(stores, ['runs', 'waits']);
    const [runs = 0 as JobId, waits] = jobIds;
    await stores.jobs.begin([{ jobId: runs, attempt: 1 }], 0 as LeaseId, AT);

    expect(await stores.evaluations.dropQueued(id, null, 'gone', AT)).toEqual([{ jobId: waits, attempt: 1 }]);
    expect(await stores.evaluations.dropQueued(id, null, 'gone', AT)).toEqual([]);
    await stores.jobs.settle([end(runs, 'success')], null, AT);
    expect(await stores.evaluations.finish(id, 'error', stores.evaluations.counts(id), AT)).toBe(true);

    expect(stores.views.evaluation(id)).toMatchObject({ status: 'done', outcome: 'error', reason: null });
  });

  test('that does not build has nothing queued to drop', async () => {
    const waiting = await queued(stores, '1');
    const evaluating = await queued(stores, '2');
    await stores.evaluations.begin(evaluating, AT);
    const { id: done } = await building(stores, [], '3');
    await stores.evaluations.finish(done, 'success', stores.evaluations.counts(done), AT);

    for (const id of [waiting, evaluating, done]) {
      expect(await stores.evaluations.dropQueued(id, null, 'why', AT)).toBeUndefined();
      expect(await stores.evaluations.dropQueued(id, waiting, 'why', AT)).toBeUndefined();
      expect(stores.evaluations.find(id)?.supersededBy).toBeNull();
    }
  });

  test('that was cancelled gets no more jobs, though its evaluator finds some', async () => {
    const id = await queued(stores);
    await stores.evaluations.begin(id, AT);
    await stores.evaluations.end(id, 'cancelled', 'not wanted', AT);

    expect(await stores.jobs.insert(id, [newJob('late')], AT)).toBe(false);

    expect(stores.views.jobs({ evaluationId: id, limit: 9 })).toEqual([]);
  });

  test('that has ended can be restarted as a new one, one that lives cannot', async () => {
    const { id } = await building(stores, []);

    expect(await stores.evaluations.restart(id, AT)).toBeUndefined();
    await stores.evaluations.finish(id, 'success', stores.evaluations.counts(id), AT);
    const again = await stores.evaluations.restart(id, AT);

    expect(again).not.toBe(id);
    expect(stores.views.evaluation(again ?? 0)).toMatchObject({
      restart_of: id,
      status: 'queued',
      trigger: 'restart',
      sha: sha('a'),
    });
    expect(statusOf(id)).toBe('done');
  });
});

describe('a job', () => {
  test.each([
    'cached',
    'success',
    'failure',
    'timed_out',
    'dependency_failed',
    'cancelled',
    'unsupported',
    'error',
  ] as const)('that became %s stays so: the first end of an attempt wins', async (status) => {
    const { jobIds } = await building(stores, ['a']);

    expect(await stores.jobs.settle([end(jobIds[0], status)], null, AT)).toEqual([jobIds[0]]);
    expect(await stores.jobs.settle([end(jobIds[0], 'success')], null, AT)).toEqual([]);
    await stores.jobs.begin([{ jobId: jobIds[0] ?? (0 as JobId), attempt: 1 }], 1 as LeaseId, AT);
    expect(jobStatus(jobIds[0])).toBe(status);
  });

  test('runs with its lease, and two leases on one derivation are never active', async () => {
    const { jobIds } = await building(stores, ['a']);
    const attempt = { jobId: jobIds[0] ?? (0 as JobId), attempt: 1 };

    const lease = await stores.jobs.lease(drvPath('a'), 'local', [attempt], null, AT);
    expect(lease).toBeDefined();
    expect(await stores.jobs.lease(drvPath('a'), 'other', [attempt], null, AT)).toBeUndefined();
    await stores.jobs.begin([attempt], lease ?? (0 as LeaseId), AT);
    expect(stores.views.job(attempt.jobId)).toMatchObject({
      status: 'running',
      phase: 'build',
      builder: 'local',
    });
    await stores.jobs.settle([end(jobIds[0], 'success')], { id: lease ?? (0 as never), ending: 'built' }, AT);

    expect(await stores.jobs.lease(drvPath('a'), 'other', [], null, AT)).toBeDefined();
  });

  test('whose builder was lost is queued again at the same attempt and still knows its lease', async () => {
    const { jobIds } = await building(stores, ['a', 'b']);
    const attempt = { jobId: jobIds[0] ?? (0 as JobId), attempt: 1 };
    const lease = await stores.jobs.lease(drvPath('a'), 'local', [attempt], null, AT);
    await stores.jobs.begin([attempt], lease ?? (0 as LeaseId), AT);

    expect(await stores.jobs.loseLeases(AT, 'all')).toBe(1);

    expect(stores.jobs.find(attempt.jobId)).toMatchObject({ status: 'queued', attempt: 1, leaseId: lease });
    expect(stores.jobs.find(jobIds[1] ?? (0 as JobId))).toMatchObject({ status: 'queued', leaseId: null });
    expect(await stores.jobs.lease(drvPath('a'), 'local', [attempt], null, AT)).toBeDefined();
  });

  test('that is restarted makes attempt 2, takes its evaluation back to building and keeps the first attempt', async () => {
    const { id, jobIds } = await building(stores, ['lib', 'app', 'other']);
    const [lib, app, other] = jobIds;
    await stores.jobs.settle(
      [end(lib, 'failure'), end(app, 'dependency_failed', 1, lib), end(other, 'success')],
      null,
      AT,
    );
    await stores.evaluations.finish(id, 'failure', stores.evaluations.counts(id), AT);

    expect(stores.jobs.restartSet(app ?? (0 as JobId)).map((job) => job.id)).toEqual([lib, app]);
    expect(await stores.jobs.restart(id, [lib ?? (0 as JobId), app ?? (0 as JobId)], AT)).toEqual([lib, app]);

    expect(stores.views.evaluation(id)).toMatchObject({
      status: 'building',
      outcome: null,
      finished_at: null,
    });
    expect(stores.jobs.find(lib ?? (0 as JobId))).toMatchObject({
      status: 'queued',
      attempt: 2,
      leaseId: null,
    });
    expect(stores.views.attempts(lib ?? 0)).toMatchObject([
      { number: 1, status: 'failure', reason: 'became failure' },
    ]);
    expect(await stores.jobs.settle([end(lib, 'success', 1)], null, AT)).toEqual([]);
    expect(await stores.jobs.settle([end(lib, 'success', 2)], null, AT)).toEqual([lib]);
  });

  test('is bumped while it has not ended, and its state stays as it is', async () => {
    const { jobIds } = await building(stores, ['ended', 'runs', 'waits']);
    const [ended, runs = 0 as JobId] = jobIds;
    await stores.jobs.settle([end(ended, 'success')], null, AT);
    await stores.jobs.begin([{ jobId: runs, attempt: 1 }], 0 as LeaseId, AT);

    expect(await stores.jobs.bump([...jobIds, 404 as JobId], AT)).toBe(2);
    expect(await stores.jobs.bump([], AT)).toBe(0);

    expect(jobIds.map(jobStatus)).toEqual(['success', 'running', 'queued']);
  });

  test('that failed is restarted with all that failed in its evaluation, good ones are not among them', async () => {
    const { id, jobIds } = await building(stores, ['good', 'lib', 'app', 'broken', 'waits']);
    const [good, lib, app, broken] = jobIds;
    await stores.jobs.settle(
      [
        end(good, 'success'),
        end(lib, 'failure'),
        end(app, 'dependency_failed', 1, lib),
        end(broken, 'error'),
      ],
      null,
      AT,
    );

    const failed = stores.jobs.failed(id);

    expect(failed.map((job) => job.id).toSorted()).toEqual([lib, app, broken]);
    expect(failed.find((job) => job.id === lib)?.drvPath).toBe(drvPath('lib'));
  });

  test('cannot be restarted while it has not ended, nor when its evaluation was cancelled', async () => {
    const { id, jobIds } = await building(stores, ['a', 'b']);

    expect(await stores.jobs.restart(id, [jobIds[0] ?? (0 as JobId)], AT)).toEqual([]);
    expect(statusOf(id)).toBe('building');
    await stores.evaluations.end(id, 'cancelled', 'why', AT);

    expect(await stores.jobs.restart(id, [jobIds[0] ?? (0 as JobId)], AT)).toEqual([]);
    expect(jobStatus(jobIds[0])).toBe('cancelled');
  });
});

describe('the inbox', () => {
  test('keeps a delivery until it is handled, and makes one evaluation of it', async () => {
    const head = { ref: 'refs/heads/main' as never, sha: sha('c') };
    await stores.deliveries.recordHeads(stores.repository.id, {
      gone: [],
      pushed: [head],
      at: AT,
    });
    const [delivery] = stores.deliveries.pending();
    if (delivery?.kind !== 'push') {
      throw new Error('the delivery is not there');
    }

    const id = await stores.deliveries.accept(delivery, AT);

    expect(await stores.deliveries.accept(delivery, AT)).toBeUndefined();
    expect(stores.deliveries.pending()).toEqual([]);
    expect(stores.repositories.heads(stores.repository.id)).toEqual([head]);
    expect(stores.evaluations.living(['queued']).map((evaluation) => evaluation.id)).toEqual([id]);
  });
});

describe('contenders', () => {
  const request = (prNumber = 7) => ({ repositoryId: stores.repository.id, ref: MAIN, prNumber });

  test('are the living ones of a request, whatever their base, and never those of its branch', async () => {
    const first = await queued(stores, '1', { prNumber: 7 });
    const retargeted = await queued(stores, '1', { prNumber: 7, ref: 'refs/heads/next' as never });
    const another = await queued(stores, '1', { prNumber: 8 });
    const push = await queued(stores, '1');

    const of = (prNumber: number | null) =>
      stores.contenders.of({ ...request(), prNumber }).map(({ id }) => id);
    expect(of(7)).toEqual([first, retargeted]);
    expect(of(8)).toEqual([another]);
    expect(of(null)).toEqual([push]);
  });

  test('include that of the newest delivery though it has ended, and none that ended before', async () => {
    const older = await received(stores, '1', { prNumber: 7 });
    const ended = await queued(stores, '2', { prNumber: 7 });
    const newest = await queued(stores, '3', { prNumber: 7 });
    for (const id of [ended, newest]) {
      await stores.evaluations.end(id, 'cancelled', 'why', AT);
    }
    const late = await stores.deliveries.accept(older, AT);

    const found = stores.contenders.of(request());

    expect(found.map(({ id }) => id)).toEqual([late, newest]);
    expect(found[0]?.deliveryId).toBe(older.id);
  });

  test('that are restarts stand where their origin stands', async () => {
    const origin = await queued(stores, '1', { prNumber: 7 });
    await stores.evaluations.end(origin, 'cancelled', 'why', AT);
    const restart = await stores.evaluations.restart(origin, AT);
    await stores.evaluations.end(restart ?? origin, 'cancelled', 'why', AT);
    const again = await stores.evaluations.restart(restart ?? origin, AT);

    const found = stores.contenders.of(request());

    expect(found.map(({ id, trigger }) => [id, trigger])).toEqual([
      [again, 'restart'],
      [origin, 'pull_request'],
    ]);
    expect(new Set(found.map(({ deliveryId }) => deliveryId)).size).toBe(1);
  });
});

describe('the outbox', () => {
  const REVISION = sha('d');
  const check = {
    context: 'argunix: evaluation',
    jobId: null,
    state: 'pending',
    description: 'Building 2 jobs.',
    url: 'http://x',
  } as const;
  const due = (at = AT) => stores.checks.due('here', at, 10);

  test('holds one line for each context, whatever it was to say before', async () => {
    const evaluationId = await queued(stores, 'd');
    const want = (...checks: Parameters<typeof stores.checks.want>[2]) =>
      stores.checks.want(stores.repository.id, REVISION, checks, [], AT);
    await want({ ...check, evaluationId });
    await want(
      { ...check, evaluationId, state: 'success', description: '2 built' },
      { ...check, evaluationId, context: 'argunix: a', state: 'failure' },
    );

    expect(due().map(({ context, state, version }) => [context, state, version])).toEqual([
      ['argunix: evaluation', 'success', 2],
      ['argunix: a', 'failure', 1],
    ]);
  });

  test('goes on to hold what changed while the forge was told of it', async () => {
    const evaluationId = await queued(stores, 'd');
    await stores.checks.want(stores.repository.id, REVISION, [{ ...check, evaluationId }], [], AT);
    const [told] = due();
    const changed = { ...check, evaluationId, state: 'success' } as const;
    await stores.checks.want(stores.repository.id, REVISION, [changed], [], AT);

    await stores.checks.posted(told?.id ?? 0, told?.version ?? 0, 'run 1', AT);

    expect(due().map(({ state, handle }) => [state, handle])).toEqual([['success', 'run 1']]);
    await stores.checks.posted(told?.id ?? 0, 2, 'run 1', AT);
    expect(due()).toEqual([]);
    expect(stores.checks.backlog()).toEqual([]);
  });

  test('tells when the next line is due that has to wait', async () => {
    const evaluationId = await queued(stores, 'd');
    await stores.checks.want(stores.repository.id, REVISION, [{ ...check, evaluationId }], [], AT);
    const later = toEpochMs(AT + 1_000);

    const what = { until: later, trouble: 'the forge said 422', refusals: 1 };
    await stores.checks.postpone(due()[0]?.id ?? 0, 1, what);

    expect(due()).toEqual([]);
    expect(stores.checks.nextDueAt('here', AT)).toBe(later);
    expect(stores.checks.nextDueAt('here', later)).toBeUndefined();
    expect(due(later).map(({ refusals }) => refusals)).toEqual([1]);
    expect(stores.checks.nextDueAt('elsewhere', AT)).toBeUndefined();
  });

  test('does not make wait what the line is to say now for what it was to say before', async () => {
    const evaluationId = await queued(stores, 'd');
    await stores.checks.want(stores.repository.id, REVISION, [{ ...check, evaluationId }], [], AT);
    const [told] = due();
    const changed = { ...check, evaluationId, state: 'success' } as const;
    await stores.checks.want(stores.repository.id, REVISION, [changed], [], AT);

    const what = { until: toEpochMs(AT + 1_000), trouble: 'the forge said 503', refusals: 0 };
    await stores.checks.postpone(told?.id ?? 0, told?.version ?? 0, what);

    expect(due().map(({ state }) => state)).toEqual(['success']);
  });
});
