import { type JobId, toEvaluationId, toJobId } from '@argunix/shared/domain/ids';
import { systemClock } from '@argunix/shared/kit/clock';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeChanges } from '../../test/fakes/changes.ts';
import { AT, building, openStores, queued } from '../../test/store-fixture.ts';
import { sqlite } from '../adapters/sqlite/sql.ts';
import { bumpEvaluation, bumpJob } from './bump-job.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
let wishes: (readonly JobId[])[] = [];
beforeEach(async () => {
  stores = await openStores();
  wishes = [];
});
afterEach(async () => {
  await stores.close();
});

const ports = () => ({
  ...stores,
  // What is not stored yet is asked of nobody.
  line: { bump: (ids: readonly JobId[]) => void (bumped().length > 0 && wishes.push(ids)) },
  changes: createFakeChanges(),
  clock: systemClock,
});
const bumped = (): readonly number[] =>
  stores.database
    .all(sqlite.selectFrom('jobs').select('id').where('bumped_at', 'is not', null).orderBy('id'))
    .map(({ id }) => id);
const end = (jobId: JobId | undefined) =>
  stores.jobs.settle(
    [{ jobId: jobId ?? toJobId(0), attempt: 1, status: 'success' as const, reason: null, causeJobId: null }],
    null,
    AT,
  );

test('a job that has not ended goes to the front: stored, then told to the line', async () => {
  const { jobIds } = await building(stores, ['a', 'b']);

  expect(await bumpJob(ports(), jobIds[1] ?? toJobId(0))).toEqual({ kind: 'done' });

  expect(bumped()).toEqual([jobIds[1]]);
  expect(wishes).toEqual([[jobIds[1]]]);
});

test('a job that has ended is refused with a sentence, and what does not exist is not found', async () => {
  const { jobIds } = await building(stores, ['a']);
  await end(jobIds[0]);

  expect(await bumpJob(ports(), jobIds[0] ?? toJobId(0))).toEqual({
    kind: 'refused',
    reason: 'The job has ended: it is success.',
  });
  expect(await bumpJob(ports(), toJobId(404))).toEqual({ kind: 'not_found' });
  expect(await bumpEvaluation(ports(), toEvaluationId(404))).toEqual({ kind: 'not_found' });
  expect([bumped(), wishes]).toEqual([[], []]);
});

test('an evaluation goes to the front with what of it has not ended', async () => {
  const { id, jobIds } = await building(stores, ['a', 'b', 'c']);
  await end(jobIds[0]);
  const other = await building(stores, ['d'], 'b');

  expect(await bumpEvaluation(ports(), id)).toEqual({ kind: 'done' });

  expect(bumped()).toEqual(jobIds.slice(1));
  expect(wishes.map((ids) => ids.toSorted())).toEqual([jobIds.slice(1)]);
  expect(bumped()).not.toContain(other.jobIds[0]);
});

test('an evaluation that has ended, or does not build yet, is refused with a sentence', async () => {
  const waiting = await queued(stores, '1');
  const { id } = await building(stores, ['a'], '2');
  await stores.evaluations.end(id, 'cancelled', 'by hand', AT);

  expect(await bumpEvaluation(ports(), waiting)).toEqual({
    kind: 'refused',
    reason: `Evaluation ${waiting} does not build yet, so nothing of it stands in line.`,
  });
  expect(await bumpEvaluation(ports(), id)).toEqual({
    kind: 'refused',
    reason: `Evaluation ${id} has ended: it is cancelled.`,
  });
  expect(wishes).toEqual([]);
});

test('a new attempt is not at the front: the wish was for the one before', async () => {
  const { id, jobIds } = await building(stores, ['a']);
  await bumpJob(ports(), jobIds[0] ?? toJobId(0));
  await end(jobIds[0]);
  await stores.jobs.restart(id, jobIds, AT);

  expect(bumped()).toEqual([]);
});
