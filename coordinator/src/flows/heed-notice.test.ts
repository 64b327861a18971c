import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFakeChanges } from '../../test/fakes/changes.ts';
import { createFakeDispatcher } from '../../test/fakes/fake-dispatcher.ts';
import { createFakeRoots } from '../../test/fakes/fake-store.ts';
import { silentMetrics } from '../../test/fakes/silent-metrics.ts';
import { type ForgeStores, keptLog, openForgeStores } from '../../test/forge-fixture.ts';
import { building, queued, sha } from '../../test/store-fixture.ts';
import type { CheckHandle } from '../domain/forge-event.ts';
import type { Notice } from '../ports/delivery-store.ts';
import { heedNotice } from './heed-notice.ts';

let stores: ForgeStores;
let asked: (readonly [string, number | string])[] = [];
beforeAll(async () => {
  stores = await openForgeStores();
});
afterAll(async () => {
  await stores.close();
});
beforeEach(async () => {
  asked = [];
  await stores.database.write([{ sql: 'delete from evaluations', parameters: [] }]);
});

const note = (what: string) => (id: number) => {
  asked.push([what, id]);
  return Promise.resolve({ kind: 'done' } as const);
};
async function heed(notice: Partial<Notice>): Promise<string> {
  return await heedNotice(
    {
      ...stores,
      dispatcher: createFakeDispatcher(stores),
      roots: createFakeRoots(),
      changes: createFakeChanges(),
      log: keptLog(),
      metrics: silentMetrics,
      queue: { abort: () => undefined },
      restartJob: note('job'),
      restartFailed: note('failed'),
      restartEvaluation: async (id) => {
        asked.push(['evaluation', id]);
        await stores.evaluations.restart(id, stores.clock.now());
        return { kind: 'done' };
      },
      approve: ({ id }, by) => void asked.push([by, id]),
    },
    {
      id: 1,
      repositoryId: stores.repository.id,
      origin: 'hook',
      uid: null,
      receivedAt: stores.clock.now(),
      ...notice,
    } as Notice,
  );
}
const rerun = (of: CheckHandle | null, digit = 'a') =>
  heed({ kind: 'rerun', sha: sha(digit), of, by: 'owner' });
const approve = (of: CheckHandle | null, digit = 'a', by: string | null = 'owner') =>
  heed({ kind: 'approve', sha: sha(digit), of, by });
const handle = (evaluationId: number, jobId: number | null = null): CheckHandle => ({ evaluationId, jobId });
async function done(
  status: 'success' | 'failure',
): Promise<{ readonly id: EvaluationId; readonly jobId: JobId }> {
  const { id, jobIds } = await building(stores, ['a']);
  await stores.jobs.settle(
    jobIds.map((jobId) => ({ jobId, attempt: 1, status, reason: null, causeJobId: null })),
    null,
    stores.clock.now(),
  );
  await stores.evaluations.finish(id, status, stores.evaluations.counts(id), stores.clock.now());
  return { id, jobId: jobIds[0] ?? (0 as JobId) };
}

describe('the button that runs it again', () => {
  test('below a job restarts that job', async () => {
    const { id, jobId } = await done('failure');

    expect(await rerun(handle(id, jobId))).toBe('it is built again');

    expect(asked).toEqual([['job', jobId]]);
  });

  test('below an evaluation with failures restarts those', async () => {
    const { id } = await done('failure');

    await rerun(handle(id));

    expect(asked).toEqual([['failed', id]]);
  });

  test('below an evaluation without failures restarts it as a whole, once', async () => {
    const { id } = await done('success');

    await rerun(handle(id));
    expect(await rerun(handle(id))).toBe('it is being built again already');

    expect(asked).toEqual([['evaluation', id]]);
  });

  test('without a name restarts the newest of the revision', async () => {
    await done('success');
    const { id } = await done('failure');

    await rerun(null);

    expect(asked).toEqual([['failed', id]]);
  });

  test('below one that has not ended does nothing', async () => {
    const id = await queued(stores);

    expect(await rerun(handle(id))).toBe('it has not ended yet');
    expect(asked).toEqual([]);
  });

  test.each([
    ['of another revision', 'b', 0],
    ['that is not there', 'a', 1_000],
  ])('that names an evaluation %s does nothing', async (_, digit, offset) => {
    const { id } = await done('failure');

    expect(await rerun(handle(id + offset), digit)).toBe('there is no such evaluation');
  });

  test('that names a job of another evaluation does nothing', async () => {
    const { jobId } = await done('failure');
    const { id } = await done('failure');

    expect(await rerun(handle(id, jobId))).toBe('there is no such job');
    expect(asked).toEqual([]);
  });

  test('that names an evaluation of another repository does nothing', async () => {
    const { id } = await building(stores, ['a'], 'a', { repositoryId: stores.plainRepository.id });

    expect(await rerun(handle(id))).toBe('there is no such evaluation');
  });
});

describe('the button that approves', () => {
  test('asks whether whoever pressed it may, for exactly what it stands below', async () => {
    const id = await queued(stores, 'a', { prNumber: 7 });

    expect(await approve(handle(id))).toBe('whether owner may is being asked');

    expect(asked).toEqual([['owner', id]]);
  });

  test.each([
    ['of another head', 'b', 'owner'],
    ['pressed by nobody', 'a', null],
  ])('%s approves nothing', async (_, digit, by) => {
    const id = await queued(stores, 'a', { prNumber: 7 });

    expect(await approve(handle(id), digit, by)).toBe('there is no such evaluation');
    expect(asked).toEqual([]);
  });
});
