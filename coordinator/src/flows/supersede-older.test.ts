import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFakeChanges } from '../../test/fakes/changes.ts';
import { createFakeDispatcher, type FakeDispatcher } from '../../test/fakes/fake-dispatcher.ts';
import { createFakeRoots } from '../../test/fakes/fake-store.ts';
import { silentMetrics } from '../../test/fakes/silent-metrics.ts';
import { AT, building, MAIN, openStores, PLAIN_INBOX, queued, received } from '../../test/store-fixture.ts';
import { until } from '../../test/until.ts';
import { cancelBranch } from './cancel-branch.ts';
import { cancelRequest } from './cancel-request.ts';
import { handleDeliveries } from './handle-deliveries.ts';
import { supersedeLeftovers, supersedeOlder } from './supersede-older.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
let dispatcher: FakeDispatcher;
let aborted: EvaluationId[] = [];
let dropsSuperseded = false;
beforeEach(async () => {
  stores = await openStores();
  dispatcher = createFakeDispatcher(stores);
  aborted = [];
  dropsSuperseded = false;
});
afterEach(async () => {
  await stores.close();
});

const ports = () => ({
  ...stores,
  dispatcher,
  roots: createFakeRoots(),
  changes: createFakeChanges(),
  clock: systemClock,
  log: silentLogger,
  metrics: silentMetrics,
  queue: { abort: (id: EvaluationId) => void aborted.push(id) },
  dropsSuperseded: () => dropsSuperseded,
});
const handle = () =>
  handleDeliveries({
    ...ports(),
    ...PLAIN_INBOX,
    coalesceMs: 5_000,
    onAccepted: (subject) => supersedeOlder(ports(), subject),
  });
const statusOf = (id: EvaluationId): string | undefined => stores.evaluations.find(id)?.status;
const newest = (): EvaluationId => stores.evaluations.living(['queued']).at(-1)?.id ?? (0 as EvaluationId);
const table = (evaluationId: EvaluationId): Record<string, string> =>
  Object.fromEntries(
    stores.views.jobs({ evaluationId, limit: 100 }).map(({ attr, status }) => [attr, status]),
  );
const run = (jobId: JobId | undefined) =>
  stores.jobs.begin([{ jobId: jobId ?? (0 as JobId), attempt: 1 }], 0 as never, AT);
const succeed = (jobId: JobId | undefined) =>
  stores.jobs.settle(
    [
      {
        jobId: jobId ?? (0 as JobId),
        attempt: 1,
        status: 'success' as const,
        reason: null,
        causeJobId: null,
      },
    ],
    null,
    AT,
  );
const NEXT = 'refs/heads/next' as GitRef;
const PR = { prNumber: 7 };

describe('a push to a request', () => {
  test('ends its older evaluations in every living state, and names the new one', async () => {
    const waiting = await queued(stores, '1', PR);
    const evaluating = await queued(stores, '2', PR);
    await stores.evaluations.begin(evaluating, AT);
    const { id, jobIds } = await building(stores, ['runs', 'waits'], '3', PR);
    await run(jobIds[0]);
    const other = await queued(stores, '4', { prNumber: 8 });
    const branch = await queued(stores, '4');
    await received(stores, '5', PR);

    expect(await handle()).toBe(1);

    const successor = newest();
    expect([waiting, evaluating, id].map(statusOf)).toEqual(['superseded', 'superseded', 'superseded']);
    expect([successor, other, branch].map(statusOf)).toEqual(['queued', 'queued', 'queued']);
    expect(stores.views.evaluation(id)?.reason).toBe(
      `Evaluation ${successor}, of request 7 as it is now, took its place.`,
    );
    expect(stores.evaluations.find(id)?.supersededBy).toBe(successor);
    expect(table(id)).toEqual({ runs: 'cancelled', waits: 'cancelled' });
    expect(aborted).toContain(evaluating);
    expect(dispatcher.forgotten).toEqual(jobIds);
    expect(stores.views.evaluation(successor)).toMatchObject({ trigger: 'pull_request', pr_number: 7 });
  });

  test('ends one that waits for approval', async () => {
    const waiting = await queued(stores, '1', { ...PR, isTrusted: false });
    await stores.database.write([
      {
        sql: "update evaluations set status = 'awaiting_approval' where id = ?",
        parameters: [waiting],
      },
    ]);
    await received(stores, '2', { ...PR, isTrusted: false });

    await handle();

    expect(statusOf(waiting)).toBe('superseded');
  });

  test('that is handled late ends itself and not the newer one', async () => {
    const late = await received(stores, '1', PR);
    const newer = await queued(stores, '2', PR);

    const id = await stores.deliveries.accept(late, AT);
    await supersedeOlder(ports(), late);

    expect([statusOf(newer), statusOf(id ?? newer)]).toEqual(['queued', 'superseded']);
  });

  test('that is handled late ends itself although the newer one has ended', async () => {
    const late = await received(stores, '1', PR);
    const newer = await queued(stores, '2', PR);
    await stores.evaluations.end(newer, 'cancelled', 'by hand', AT);

    const id = await stores.deliveries.accept(late, AT);
    await supersedeOlder(ports(), late);

    expect([statusOf(newer), statusOf(id ?? newer)]).toEqual(['cancelled', 'superseded']);
  });

  test('leaves what was restarted after it, and ends what was restarted before', async () => {
    const first = await queued(stores, '1', PR);
    await stores.evaluations.end(first, 'cancelled', 'by hand', AT);
    const before = (await stores.evaluations.restart(first, AT)) ?? first;
    await received(stores, '2', PR);
    await handle();
    const after = (await stores.evaluations.restart(first, AT)) ?? first;

    await supersedeLeftovers(ports());

    expect([statusOf(before), statusOf(after)]).toEqual(['superseded', 'queued']);
  });

  test('to another base is another evaluation, though the revision is the same', async () => {
    const before = await queued(stores, '1', { ...PR, receivedAt: systemClock.now() });
    await received(stores, '1', { ...PR, ref: NEXT, receivedAt: systemClock.now() });

    expect(await handle()).toBe(1);

    expect(statusOf(before)).toBe('superseded');
    expect(stores.views.evaluation(newest())).toMatchObject({ ref: NEXT, pr_number: 7 });
  });
});

describe('a duplicate', () => {
  const now = () => ({ receivedAt: systemClock.now() });

  test.each([
    ['of a push', {}],
    ['of a request', PR],
  ])('%s within the window changes nothing', async (_, some) => {
    await received(stores, '1', { ...some, ...now() });
    await received(stores, '1', { ...some, ...now() });

    expect(await handle()).toBe(1);
    await received(stores, '1', { ...some, ...now() });
    expect(await handle()).toBe(0);
  });

  test('is none with another number, another trust, or as a push', async () => {
    await received(stores, '1', { ...PR, ...now() });
    await received(stores, '1', { prNumber: 8, ...now() });
    await received(stores, '1', { ...PR, isTrusted: false, ...now() });
    await received(stores, '1', now());

    expect(await handle()).toBe(4);
  });

  test('is none when the request went on to another revision and came back', async () => {
    for (const digit of ['1', '2', '1']) {
      await received(stores, digit, { ...PR, ...now() });
    }

    expect(await handle()).toBe(3);

    expect(stores.evaluations.living(['queued']).map(({ sha }) => sha[0])).toEqual(['1']);
  });

  test('is none when the request was closed and opened again', async () => {
    await received(stores, '1', { ...PR, ...now() });
    await handle();
    await cancelRequest(ports(), stores.repository.id, 7);
    await received(stores, '1', { ...PR, ...now() });

    expect(await handle()).toBe(1);
  });
});

describe('a push to a branch', () => {
  test('ends nothing unless the repository says so', async () => {
    const older = await queued(stores, '1');
    await received(stores, '2');

    await handle();

    expect(stores.evaluations.living(['queued']).map(({ id }) => id)).toEqual([older, newest()]);
  });

  test('drops what waits of the older ones, and lets finish what runs', async () => {
    dropsSuperseded = true;
    const waiting = await queued(stores, '1');
    const evaluating = await queued(stores, '2');
    await stores.evaluations.begin(evaluating, AT);
    const { id, jobIds } = await building(stores, ['runs', 'waits'], '3');
    await run(jobIds[0]);
    const elsewhere = await queued(stores, '4', { ref: NEXT });
    const request = await queued(stores, '4', PR);
    await received(stores, '5');

    await handle();
    const successor = newest();

    expect([waiting, evaluating, elsewhere, request].map(statusOf)).toEqual([
      'superseded',
      'superseded',
      'queued',
      'queued',
    ]);
    expect(statusOf(id)).toBe('building');
    expect(table(id)).toEqual({ runs: 'running', waits: 'cancelled' });
    expect(stores.views.job(jobIds[1] ?? 0)?.reason).toBe(
      `Evaluation ${successor}, of a newer push to main, took its place.`,
    );

    await succeed(jobIds[0]);
    await dispatcher.adopt(id);
    expect(stores.views.evaluation(id)).toMatchObject({ status: 'superseded', outcome: null });
    expect(stores.evaluations.find(id)?.supersededBy).toBe(successor);
  });

  test('ends at once an older one of which nothing runs', async () => {
    dropsSuperseded = true;
    const { id } = await building(stores, ['waits'], '1');
    await received(stores, '2');

    await handle();

    expect(statusOf(id)).toBe('superseded');
  });

  test('to which a still newer one comes names the first that took its place', async () => {
    dropsSuperseded = true;
    const { id, jobIds } = await building(stores, ['runs'], '1');
    await run(jobIds[0]);
    await received(stores, '2');
    await handle();
    const first = newest();
    await received(stores, '3');
    await handle();

    expect(stores.evaluations.find(id)?.supersededBy).toBe(first);
    expect(statusOf(first)).toBe('superseded');
  });

  test('of a tag drops nothing', async () => {
    dropsSuperseded = true;
    const tag = 'refs/tags/v1' as GitRef;
    const older = await queued(stores, '1', { ref: tag });
    await received(stores, '2', { ref: tag });

    await handle();

    expect(statusOf(older)).toBe('queued');
  });
});

describe('at the start', () => {
  test('what a crash left between a new evaluation and the end of the older ones is made up for, once', async () => {
    dropsSuperseded = true;
    const { id, jobIds } = await building(stores, ['runs', 'waits'], '1');
    await run(jobIds[0]);
    const request = await queued(stores, '1', PR);
    await queued(stores, '2');
    await queued(stores, '2', PR);

    await supersedeLeftovers(ports());

    expect([statusOf(request), table(id)]).toEqual(['superseded', { runs: 'running', waits: 'cancelled' }]);

    // What ran is interrupted by the stop, and is still let finish after the start.
    await stores.jobs.loseLeases(AT, 'all');
    await stores.jobs.requeue(
      [{ jobId: jobIds[0] ?? (0 as JobId), attempt: 1 }],
      0 as never,
      'infrastructure',
      AT,
    );
    await supersedeLeftovers(ports());
    expect(table(id)).toEqual({ runs: 'queued', waits: 'cancelled' });
  });
});

describe('an old evaluation of which a job is restarted', () => {
  test('is built though a newer one is there, until a still newer one comes', async () => {
    const { id, jobIds } = await building(stores, ['a'], '1', PR);
    await succeed(jobIds[0]);
    await dispatcher.adopt(id);
    await received(stores, '2', PR);
    await handle();
    await stores.jobs.restart(id, jobIds, systemClock.now());

    await supersedeLeftovers(ports());
    expect(statusOf(id)).toBe('building');

    await until(
      'a millisecond has passed',
      () =>
        systemClock.now() >
        (stores.contenders.of({ ...PR, ref: MAIN, repositoryId: stores.repository.id })[0]?.restartedAt ?? 0),
    );
    await received(stores, '3', PR);
    await handle();
    expect(statusOf(id)).toBe('superseded');
  });
});

describe('a branch that is gone', () => {
  test('takes along what waits, and neither what runs nor its requests', async () => {
    const waiting = await queued(stores, '1');
    const evaluating = await queued(stores, '2');
    await stores.evaluations.begin(evaluating, AT);
    const { id, jobIds } = await building(stores, ['runs', 'waits'], '3');
    await run(jobIds[0]);
    const request = await queued(stores, '1', PR);
    const elsewhere = await queued(stores, '1', { ref: NEXT });

    await cancelBranch(ports(), stores.repository.id, [MAIN]);

    expect([waiting, evaluating, request, elsewhere].map(statusOf)).toEqual([
      'cancelled',
      'cancelled',
      'queued',
      'queued',
    ]);
    expect(table(id)).toEqual({ runs: 'running', waits: 'cancelled' });
    expect(aborted).toContain(evaluating);
    await succeed(jobIds[0]);
    await dispatcher.adopt(id);
    expect(stores.views.evaluation(id)).toMatchObject({ status: 'done', outcome: 'error' });
  });
});

describe('a request that is closed', () => {
  test('is cancelled in every living state, with what runs of it', async () => {
    const { id, jobIds } = await building(stores, ['runs'], '1', PR);
    await run(jobIds[0]);
    const waiting = await queued(stores, '1', { ...PR, ref: NEXT });
    const other = await queued(stores, '1', { prNumber: 8 });

    await cancelRequest(ports(), stores.repository.id, 7);

    expect([id, waiting, other].map(statusOf)).toEqual(['cancelled', 'cancelled', 'queued']);
    expect(table(id)).toEqual({ runs: 'cancelled' });
    expect(stores.views.evaluation(id)?.reason).toBe('Request 7 was closed.');
  });
});
