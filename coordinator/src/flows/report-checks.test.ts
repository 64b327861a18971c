import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import { AppError } from '@argunix/shared/kit/app-error';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFakeForge, type FakeForge } from '../../test/fakes/fake-forge.ts';
import { type ForgeStores, openForgeStores } from '../../test/forge-fixture.ts';
import { type ReportingHouse, reportingHouse } from '../../test/reporting-house.ts';
import { newJob } from '../../test/store-fixture.ts';

const DAY_MS = 86_400_000;

let stores: ForgeStores;
let fake: FakeForge;
let house: ReportingHouse;
let sha: Sha;
let threshold = 100;
let hasForge = true;
let revisions = 0;

beforeAll(async () => {
  stores = await openForgeStores();
});
afterAll(async () => {
  await stores.close();
});
beforeEach(() => {
  revisions += 1;
  sha = revisions.toString(16).padStart(40, 'a') as Sha;
  threshold = 100;
  hasForge = true;
  fake = createFakeForge();
  house = reportingHouse(stores, fake, { threshold: () => threshold, hasForge: () => hasForge });
});
afterEach(async () => {
  await house.stop();
});

const posts = (): number => fake.asked.get('post') ?? 0;
const lines = (): Readonly<Record<string, string>> => house.lines(sha);
const description = (context: string): string | undefined => fake.shown(sha).get(context)?.description;
const cancel = async (id: EvaluationId, reason = 'It was cancelled by hand.'): Promise<void> => {
  await stores.evaluations.end(id, 'cancelled', reason, stores.clock.now());
  await house.tell(id);
};
async function begun(
  attrs: readonly string[],
): Promise<{ readonly id: EvaluationId; readonly jobIds: Awaited<ReturnType<ReportingHouse['build']>> }> {
  const id = await house.accept(sha);
  return { id, jobIds: await house.build(id, attrs) };
}

describe('what was pending ends', () => {
  test('in success when everything was built', async () => {
    const { id, jobIds } = await begun(['a', 'b']);
    expect(lines()).toEqual({ evaluation: 'pending', a: 'pending', b: 'pending' });

    await house.settle(id, jobIds, 'success');
    await house.finish(id);

    expect(lines()).toEqual({ evaluation: 'success', a: 'success', b: 'success' });
    expect(description('argunix: evaluation')).toBe('2 built');
  });

  test('in failure when something failed, with what became of each job', async () => {
    const { id, jobIds } = await begun(['a', 'b', 'c']);

    await house.settle(id, jobIds.slice(0, 1), 'failure');
    await house.settle(id, jobIds.slice(1, 2), 'dependency_failed');
    await house.settle(id, jobIds.slice(2), 'timed_out');
    await house.finish(id);

    expect(lines()).toEqual({ evaluation: 'failure', a: 'failure', b: 'failure', c: 'failure' });
  });

  test('in error when nothing failed and something could not be tried', async () => {
    const { id, jobIds } = await begun(['a', 'b', 'c']);

    await house.settle(id, jobIds.slice(0, 1), 'unsupported');
    await house.settle(id, jobIds.slice(1, 2), 'error');
    await house.settle(id, jobIds.slice(2), 'cancelled');
    await house.finish(id);

    expect(lines()).toEqual({ evaluation: 'error', a: 'error', b: 'error', c: 'cancelled' });
  });

  test('in success at once when everything was built before', async () => {
    const id = await house.accept(sha);
    await house.build(id, [newJob('a', 'cached'), newJob('b', 'cached')]);

    await house.finish(id);

    expect(lines()).toEqual({ evaluation: 'success', a: 'success', b: 'success' });
    expect(description('argunix: a')).toBe('Was built before.');
  });

  test('in success when there is nothing to build', async () => {
    const { id } = await begun([]);

    await house.finish(id);

    expect(lines()).toEqual({ evaluation: 'success' });
    expect(description('argunix: evaluation')).toBe('There is nothing to build.');
  });

  test('in failure when it does not evaluate', async () => {
    const id = await house.accept(sha);
    await stores.evaluations.begin(id, stores.clock.now());
    await stores.jobs.insert(id, [newJob('a')], stores.clock.now());

    await stores.evaluations.fail(id, 'attribute a is missing', stores.clock.now());
    await house.tell(id);

    expect(lines()).toEqual({ evaluation: 'failure' });
    expect(description('argunix: evaluation')).toBe('Evaluation failed: attribute a is missing');
  });

  test.each(['queued', 'evaluating', 'building'])(
    'in cancelled when it is cancelled while %s',
    async (status) => {
      const id = await house.accept(sha);
      if (status === 'building') {
        await house.build(id, ['a']);
      } else if (status === 'evaluating') {
        await stores.evaluations.begin(id, stores.clock.now());
        await house.tell(id);
      }

      await cancel(id);

      expect(lines()).toEqual({
        evaluation: 'cancelled',
        ...(status === 'building' ? { a: 'cancelled' } : {}),
      });
    },
  );

  test('in cancelled when something newer takes its place while it builds', async () => {
    const { id, jobIds } = await begun(['a', 'b']);
    const newer = await house.accept(`b${sha.slice(1)}` as Sha);
    await house.settle(id, jobIds.slice(0, 1), 'success');

    await stores.evaluations.end(
      id,
      { supersededBy: newer },
      `Evaluation ${newer} took its place.`,
      stores.clock.now(),
    );
    await house.tell(id);

    expect(lines()).toEqual({ evaluation: 'cancelled', a: 'success', b: 'cancelled' });
    expect(description('argunix: evaluation')).toBe(`Evaluation ${newer} took its place.`);
    await cancel(newer);
  });

  test('in cancelled when it is dropped for something newer and the last job that ran has ended', async () => {
    const { id, jobIds } = await begun(['a', 'b']);
    const newer = await house.accept(`c${sha.slice(1)}` as Sha);
    await stores.jobs.settle([], null, stores.clock.now());
    await stores.evaluations.dropQueued(id, newer, 'Something newer.', stores.clock.now());
    await house.tell(id);
    expect(Object.values(lines())).not.toContain('success');

    await house.settle(id, jobIds, 'success');
    await house.finish(id);

    expect(Object.values(lines())).not.toContain('pending');
    expect(lines()['evaluation']).toBe('cancelled');
    await cancel(newer);
  });

  test('in cancelled when nobody approves it', async () => {
    const id = await house.accept(
      sha,
      { prNumber: 7, isTrusted: false },
      { status: 'awaiting_approval', awaits: 'forge', reason: 'Asking.' },
    );
    // Nothing is told while the forge itself is being asked.
    expect(lines()).toEqual({});
    await stores.evaluations.hold(id, 'approval', 'A stranger made it.', null);
    await house.tell(id);
    expect(lines()).toEqual({ evaluation: 'action_required' });

    await cancel(id, 'Nobody approved it within 14 days.');

    expect(lines()).toEqual({ evaluation: 'cancelled' });
  });

  test('anew when jobs are restarted, with the first state of the new attempt in place of the last of the one before', async () => {
    const { id, jobIds } = await begun(['a', 'b']);
    await house.settle(id, jobIds.slice(0, 1), 'failure');
    await house.settle(id, jobIds.slice(1), 'success');
    await house.finish(id);

    await stores.jobs.restart(id, jobIds.slice(0, 1), stores.clock.now());
    await house.tell(id);
    expect(lines()).toEqual({ evaluation: 'pending', a: 'pending', b: 'success' });
    await house.settle(id, jobIds.slice(0, 1), 'success', 2);
    await house.finish(id);

    expect(lines()).toEqual({ evaluation: 'success', a: 'success', b: 'success' });
  });
});

describe('a program that ends and begins again', () => {
  test('reports an end that it did not come to report', async () => {
    const { id, jobIds } = await begun(['a']);
    await house.stop();
    await house.settle(id, jobIds, 'failure');
    await house.finish(id);
    expect(lines()).toEqual({ evaluation: 'pending', a: 'pending' });

    house.start();
    await stores.clock.advance(0);

    expect(lines()).toEqual({ evaluation: 'failure', a: 'failure' });
  });

  test('reports a restart that ended while it was away', async () => {
    const { id, jobIds } = await begun(['a']);
    await house.settle(id, jobIds, 'failure');
    await house.finish(id);
    await house.stop();
    await stores.jobs.restart(id, jobIds, stores.clock.now());
    await house.settle(id, jobIds, 'success', 2);
    await house.finish(id);

    house.start();
    await stores.clock.advance(0);

    expect(lines()).toEqual({ evaluation: 'success', a: 'success' });
  });

  test('says nothing twice, and looks at nothing that was told', async () => {
    const { id, jobIds } = await begun(['a']);
    await house.settle(id, jobIds, 'success');
    await house.finish(id);
    const before = posts();

    await house.stop();
    house.start();
    await stores.clock.advance(DAY_MS);

    expect(posts()).toBe(before);
    expect(stores.evaluations.unreported().map((one) => one.id)).not.toContain(id);
  });
});

describe('trouble', () => {
  test('of the store makes an end late, and does not lose it', async () => {
    const { id, jobIds } = await begun(['a']);
    await house.settle(id, jobIds, 'failure');
    const counts = stores.evaluations.counts(id);
    await stores.evaluations.finish(id, 'failure', counts, stores.clock.now());
    stores.database.failWith(() => new AppError('store.failed', 'The disk is full.'));
    await house.tell(id);
    await stores.clock.advance(10_000);
    expect(lines()['evaluation']).toBe('pending');

    stores.database.failWith(undefined);
    await stores.clock.advance(60_000);

    expect(lines()).toEqual({ evaluation: 'failure', a: 'failure' });
  });

  // What changed while a forge was opened anew was told to nobody.
  test('of a forge that is not there for a moment is made up for', async () => {
    const { id, jobIds } = await begun(['a']);
    hasForge = false;
    await house.settle(id, jobIds, 'failure');
    await house.finish(id);
    expect(lines()['evaluation']).toBe('pending');

    hasForge = true;
    house.takeUp();
    await stores.clock.advance(0);

    expect(lines()).toEqual({ evaluation: 'failure', a: 'failure' });
  });
});

describe('nothing is told for nothing', () => {
  test('below the threshold each job has two lines of its own and the evaluation four', async () => {
    const { id, jobIds } = await begun(['a', 'b', 'c', 'd', 'e']);
    await stores.clock.advance(30_000);

    for (const jobId of jobIds) {
      await house.settle(id, [jobId], 'success');
      await stores.clock.advance(1_000);
      await house.tell(id);
    }
    await house.finish(id);
    await stores.clock.advance(DAY_MS);

    expect(Object.fromEntries(fake.asked)).toEqual({ post: 4 + 2 * 5 });
  });

  test('what was built before is told once', async () => {
    const id = await house.accept(sha);
    await house.build(id, [newJob('a', 'cached'), newJob('b', 'cached'), 'c']);
    const [jobId] = stores.jobs.unfinishedAttempts(id).keys();
    await house.settle(id, jobId === undefined ? [] : [jobId], 'success');
    await house.finish(id);
    await stores.clock.advance(DAY_MS);

    expect(Object.fromEntries(fake.asked)).toEqual({ post: 4 + 2 + 2 });
  });

  test('jobs that end within a second are told together', async () => {
    const { id, jobIds } = await begun(['a', 'b', 'c']);
    await stores.clock.advance(2_000);
    const { writes } = stores.database;

    for (const jobId of jobIds) {
      await house.settle(id, [jobId], 'success');
    }
    await stores.clock.advance(2_000);

    // Three ends of jobs; the first of them told alone, the others together; and each line that was told.
    expect(stores.database.writes - writes).toBeLessThanOrEqual(3 + 2 + 3);
  });

  test('an evaluation of a repository without a forge is asked for once a change, and nothing is written', async () => {
    const id = await house.accept(sha, { repositoryId: stores.plainRepository.id });
    const { writes } = stores.database;

    await house.tell(id);
    await house.tell(id);
    await stores.clock.advance(DAY_MS);

    expect([posts(), stores.database.writes - writes]).toEqual([0, 0]);
    expect(stores.checks.of(stores.plainRepository.id, sha)).toEqual([]);
    expect(stores.evaluations.unreported().map((one) => one.id)).not.toContain(id);
    await cancel(id);
  });
});

describe('with more jobs than the threshold', () => {
  beforeEach(() => {
    threshold = 3;
  });
  const ATTRS = ['a', 'b', 'c', 'd'];

  test('only the line of the evaluation is told, with counts', async () => {
    const { id, jobIds } = await begun(ATTRS);
    expect(lines()).toEqual({ evaluation: 'pending' });
    expect(description('argunix: evaluation')).toBe('0 of 4 jobs done: none yet');
    await stores.clock.advance(10_000);

    await house.settle(id, jobIds.slice(0, 3), 'success');
    await stores.clock.advance(10_000);
    expect(description('argunix: evaluation')).toBe('3 of 4 jobs done: 3 built');
    await house.settle(id, jobIds.slice(3), 'failure');
    await house.finish(id);

    expect(lines()).toEqual({ evaluation: 'failure' });
    // The four of every evaluation, and twice how far it is.
    expect(Object.fromEntries(fake.asked)).toEqual({ post: 4 + 2 });
  });

  test('as many as the threshold are not more', async () => {
    await begun(ATTRS.slice(1));

    expect(Object.keys(lines())).toEqual(['evaluation', 'b', 'c', 'd']);
  });

  test('a job that had a line before keeps it until its end', async () => {
    threshold = 4;
    const { id, jobIds } = await begun(ATTRS);
    threshold = 3;
    await house.settle(id, jobIds.slice(0, 2), 'success');
    await stores.clock.advance(60_000);
    expect(lines()).toEqual({
      evaluation: 'pending',
      a: 'success',
      b: 'success',
      c: 'pending',
      d: 'pending',
    });

    await house.settle(id, jobIds.slice(2), 'failure');
    await house.finish(id);

    expect(lines()).toEqual({
      evaluation: 'failure',
      a: 'success',
      b: 'success',
      c: 'failure',
      d: 'failure',
    });
  });

  test('an evaluation that was cancelled leaves no job pending that had a line', async () => {
    threshold = 4;
    const { id } = await begun(ATTRS);
    threshold = 0;

    await cancel(id);

    expect(Object.values(lines())).toEqual(['cancelled', 'cancelled', 'cancelled', 'cancelled', 'cancelled']);
  });

  test('10,000 jobs within an hour are told in sixty lines at the most', async () => {
    const { id, jobIds } = await begun(Array.from({ length: 10_000 }, (_, at) => `packages.p${at}`));

    for (let from = 0; from < jobIds.length; from += 50) {
      await house.settle(id, jobIds.slice(from, from + 50), 'success');
      await stores.clock.advance(18_000);
    }
    await house.finish(id);

    expect([...fake.shown(sha).keys()]).toEqual(['argunix: evaluation']);
    expect(description('argunix: evaluation')).toBe('10000 built');
    expect(Object.fromEntries(fake.asked)).toEqual({ post: posts() });
    expect(posts()).toBeLessThanOrEqual(60);
    expect(posts()).toBeGreaterThan(25);
  });
});
