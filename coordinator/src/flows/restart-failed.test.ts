import { type EvaluationId, type JobId, toEvaluationId } from '@argunix/shared/domain/ids';
import type { JobEnding } from '@argunix/shared/domain/job-status';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeChanges } from '../../test/fakes/changes.ts';
import { createFakeDispatcher, type FakeDispatcher } from '../../test/fakes/fake-dispatcher.ts';
import { createFakeRoots, createFakeStore, type FakeRoots } from '../../test/fakes/fake-store.ts';
import { AT, building, drvPath, newJob, openStores, queued } from '../../test/store-fixture.ts';
import { restartFailed } from './restart-failed.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
let dispatcher: FakeDispatcher;
let roots: FakeRoots;
const store = createFakeStore();
beforeEach(async () => {
  stores = await openStores();
  dispatcher = createFakeDispatcher(stores);
  roots = createFakeRoots();
  store.valid.clear();
});
afterEach(async () => {
  await stores.close();
});

const restart = (id: EvaluationId) =>
  restartFailed(
    {
      ...stores,
      dispatcher,
      roots,
      store,
      changes: createFakeChanges(),
      clock: systemClock,
      log: silentLogger,
    },
    id,
  );
const table = (evaluationId: EvaluationId): Record<string, string> =>
  Object.fromEntries(
    stores.views
      .jobs({ evaluationId, limit: 100 })
      .map(({ attr, status, attempts }) => [attr, `${status} ${attempts}`]),
  );

/** A job for each of these ends, named by it. */
async function ended(ends: readonly (JobEnding | 'queued')[]): Promise<EvaluationId> {
  const { id, jobIds } = await building(stores, ends);
  const cause = jobIds[ends.indexOf('failure')] ?? null;
  await stores.jobs.settle(
    ends.flatMap((status, at) =>
      status === 'queued'
        ? []
        : [
            {
              jobId: jobIds[at] ?? (0 as JobId),
              attempt: 1,
              status,
              reason: 'why',
              causeJobId: status === 'dependency_failed' ? cause : null,
            },
          ],
    ),
    null,
    AT,
  );
  for (const status of ends) {
    store.valid.add(drvPath(status));
  }
  return id;
}
async function finish(id: EvaluationId): Promise<void> {
  expect(await stores.evaluations.finish(id, 'failure', stores.evaluations.counts(id), AT)).toBe(true);
}

test('every job that ended without its outputs gets a new attempt, what is good is left', async () => {
  const id = await ended([
    'success',
    'cached',
    'failure',
    'timed_out',
    'dependency_failed',
    'cancelled',
    'unsupported',
    'error',
  ]);
  await finish(id);

  expect(await restart(id)).toEqual({ kind: 'done' });

  expect(table(id)).toEqual({
    success: 'success 1',
    cached: 'cached 1',
    failure: 'queued 2',
    timed_out: 'queued 2',
    dependency_failed: 'queued 2',
    cancelled: 'queued 2',
    unsupported: 'queued 2',
    error: 'queued 2',
  });
  expect(stores.views.evaluation(id)).toMatchObject({ status: 'building', outcome: null });
  expect(dispatcher.adopted).toEqual([id]);
  expect([...roots.owners.keys()]).toEqual([`eval-${id}-drvs`]);
});

test('while others still wait, they are left as they are', async () => {
  const id = await ended(['failure', 'queued']);

  expect(await restart(id)).toEqual({ kind: 'done' });

  expect(table(id)).toEqual({ failure: 'queued 2', queued: 'queued 1' });
});

test('asked for twice it is one attempt, and the second is refused', async () => {
  const id = await ended(['failure']);
  await finish(id);

  const verdicts = await Promise.all([restart(id), restart(id)]);

  expect(verdicts.map(({ kind }) => kind).toSorted()).toEqual(['done', 'refused']);
  expect(table(id)).toEqual({ failure: 'queued 2' });
});

test('where nothing failed that can be built, it is refused with a sentence', async () => {
  const id = await queued(stores, 'e');
  await stores.evaluations.begin(id, AT);
  await stores.jobs.insert(
    id,
    [newJob('good', 'cached'), { ...newJob('broken', 'failure'), drvPath: null }],
    AT,
  );
  await stores.evaluations.startBuilding(id, AT);
  await finish(id);

  expect(await restart(id)).toEqual({
    kind: 'refused',
    reason: `Evaluation ${id} has no job that failed and could be built again.`,
  });
  expect(stores.views.evaluation(id)?.status).toBe('done');
});

test('a derivation that was collected refuses the whole, and nothing is held for it', async () => {
  const id = await ended(['failure', 'error']);
  await finish(id);
  store.valid.delete(drvPath('error'));

  expect(await restart(id)).toEqual({
    kind: 'refused',
    reason: 'A derivation is not in the store any more. Restart the evaluation.',
  });
  expect(table(id)).toEqual({ failure: 'failure 1', error: 'error 1' });
  expect(roots.owners.size).toBe(0);
});

test('an evaluation with another end than done is refused, and one that is being dropped', async () => {
  const cancelled = await ended(['failure', 'queued']);
  await stores.evaluations.end(cancelled, 'cancelled', 'by hand', AT);
  const dropped = await ended(['failure', 'queued']);
  await stores.evaluations.dropQueued(dropped, cancelled, 'too old', AT);
  const waiting = await queued(stores);

  expect(await restart(cancelled)).toEqual({
    kind: 'refused',
    reason: `Evaluation ${cancelled} ended as cancelled. Restart the evaluation.`,
  });
  expect(await restart(dropped)).toEqual({
    kind: 'refused',
    reason: `Evaluation ${cancelled} took the place of evaluation ${dropped}. Restart the evaluation to have it built all the same.`,
  });
  expect(await restart(waiting)).toEqual({
    kind: 'refused',
    reason: `Evaluation ${waiting} is queued. Wait until it builds.`,
  });
  expect(table(cancelled)).toEqual({ failure: 'failure 1', queued: 'cancelled 1' });
});

test('what does not exist is not found', async () => {
  expect(await restart(toEvaluationId(404))).toEqual({ kind: 'not_found' });
});
