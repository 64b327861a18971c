import type { AttributePath } from '@argunix/shared/domain/attribute-path';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { AppError } from '@argunix/shared/kit/app-error';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeCheckout, createFakeEvaluator } from '../../test/fakes/fake-evaluator.ts';
import { createFakeRoots, createFakeStore } from '../../test/fakes/fake-store.ts';
import { silentMetrics } from '../../test/fakes/silent-metrics.ts';
import { drvPath, MAIN, openStores, queued, sha } from '../../test/store-fixture.ts';
import { until } from '../../test/until.ts';
import type { FoundJob } from '../ports/evaluator.ts';
import type { EvaluationSettings } from '../ports/settings.ts';
import { createEvaluationQueue, type EvaluationQueue } from './evaluation-queue.ts';

const BUDGET = 8_192;

let stores: Awaited<ReturnType<typeof openStores>>;
let queue: EvaluationQueue;
let evaluator = createFakeEvaluator();
let checkout = createFakeCheckout();
let store = createFakeStore();
let roots = createFakeRoots();
let handedOver: EvaluationId[] = [];
let isConfigured = true;
let memory = 1_000;
let room = { concurrency: 2, budgetBytes: BUDGET };

function startQueue(concurrency = 2, retryMs = 1): void {
  room = { concurrency, budgetBytes: BUDGET };
  queue = createEvaluationQueue({
    ...stores,
    evaluator,
    nixVersion: '2.8.0',
    checkout,
    store,
    roots,
    changes: { tell: () => undefined, listen: () => () => undefined },
    clock: systemClock,
    log: silentLogger,
    metrics: silentMetrics,
    room,
    retries: 2,
    retryMs,
    forgeOf: () => undefined,
    settingsOf: () => (isConfigured ? settings() : undefined),
    onBuilding: (id) => {
      handedOver.push(id);
    },
  });
}
function settings(): EvaluationSettings {
  return {
    source: { repositoryId: stores.repository.id, url: '/srv/sample.git', credential: null, fetchable: [] },
    systems: ['x86_64-linux'],
    attributes: ['packages'],
    timeoutMs: 1_000,
    memoryBytes: memory,
    workers: 1,
    allowImportFromDerivation: true,
    allowNetwork: true,
    reuseSameTree: false,
    weight: 1,
  };
}
beforeEach(async () => {
  stores = await openStores();
  evaluator = createFakeEvaluator();
  checkout = createFakeCheckout();
  store = createFakeStore();
  roots = createFakeRoots();
  handedOver = [];
  isConfigured = true;
  memory = 1_000;
  startQueue();
});
afterEach(async () => {
  await queue.stop();
  await stores.close();
});

function found(name: string): FoundJob {
  store.valid.add(drvPath(name));
  return {
    kind: 'job',
    attr: `packages.${name}` as AttributePath,
    system: 'x86_64-linux',
    name,
    drvPath: drvPath(name),
    outputs: { out: `/out/${name}` },
    requiredFeatures: [],
    description: null,
    mainProgram: null,
  };
}
const open = (count: number): Promise<void> =>
  until(`${count} evaluators run`, () => evaluator.open.length === count);
const status = (id: EvaluationId, wanted: string): Promise<void> =>
  until(`evaluation ${id} is ${wanted}`, () => stores.evaluations.find(id)?.status === wanted);

test('more are taken once more are allowed, and fewer only as those that run have ended', async () => {
  for (const digit of ['1', '2', '3', '4']) {
    await queued(stores, digit);
  }
  queue.wake();
  await open(2);

  room.concurrency = 3;
  queue.wake();
  await open(3);
  room.concurrency = 1;
  queue.wake();

  expect(evaluator.open).toHaveLength(3);
  expect(stores.evaluations.living(['queued'])).toHaveLength(1);
});

test('takes as many at a time as allowed, oldest first', async () => {
  const [first, second, third] = [
    await queued(stores, '1'),
    await queued(stores, '2'),
    await queued(stores, '3'),
  ];
  queue.wake();
  queue.wake();
  await open(2);

  expect(evaluator.open.map((one) => one.sha).toSorted()).toEqual([sha('1'), sha('2')]);
  expect(stores.evaluations.find(third)?.status).toBe('queued');
  evaluator.open.find((one) => one.sha === sha('1'))?.end({ kind: 'complete', warnings: [] });
  await status(third, 'evaluating');

  expect(handedOver).toEqual([first]);
  expect(stores.evaluations.find(second)?.status).toBe('evaluating');
});

test('shows a job as soon as it is found; one that is there already ends as cached, a broken one as a failure', async () => {
  const id = await queued(stores);
  queue.wake();
  await open(1);
  store.valid.add('/out/there');
  await evaluator.open[0]?.find([
    found('there'),
    found('new'),
    { kind: 'broken', attr: 'packages.bad' as AttributePath, system: 'x86_64-linux', message: 'error: no' },
  ]);

  expect(
    stores.views.jobs({ evaluationId: id, limit: 9 }).map((job) => [job.attr, job.status, job.reason]),
  ).toEqual([
    ['packages.bad', 'failure', 'error: no'],
    ['packages.new', 'queued', null],
    ['packages.there', 'cached', 'there was built before; nothing was to be done.'],
  ]);
  expect(roots.owners.get(`eval-${id}-drvs`)).toEqual(new Set([drvPath('there'), drvPath('new')]));
  expect(roots.owners.get(`eval-${id}-outs`)).toEqual(new Set(['/out/there']));
});

test.each([
  [{ kind: 'failed', reason: 'does not parse' }, 'does not parse'],
  [{ kind: 'timed_out', reason: 'took longer than 10 min' }, 'took longer than 10 min'],
] as const)(
  'an evaluator that ended as %o fails the evaluation with its reason, and its worktree goes',
  async (ending, reason) => {
    const id = await queued(stores);
    queue.wake();
    await open(1);
    expect(checkout.worktrees.has(id)).toBe(true);
    evaluator.open[0]?.end(ending);
    await status(id, 'evaluation_failed');

    expect(stores.views.evaluation(id)?.reason).toBe(reason);
    expect(checkout.worktrees.size).toBe(0);
    expect(handedOver).toEqual([]);
    await until('its derivations are let go', () => roots.owners.size === 0);
  },
);

test('a revision that is gone fails at once, a source that cannot be reached is tried again', async () => {
  checkout.trouble = new AppError('git.missing-revision', 'the revision was force-pushed away');
  const gone = await queued(stores, '1');
  queue.wake();
  await status(gone, 'evaluation_failed');
  expect(stores.views.evaluation(gone)?.reason).toBe('the revision was force-pushed away');

  checkout.trouble = new AppError('git.unreachable', 'connection refused');
  const unreachable = await queued(stores, '2');
  queue.wake();
  await status(unreachable, 'evaluation_failed');

  expect(stores.views.evaluation(unreachable)?.reason).toBe('Tried 3 times: connection refused');
});

test('one that waits to be tried again says why, and holds nobody up', async () => {
  startQueue(1, 60_000);
  checkout.trouble = new AppError('git.unreachable', 'connection refused');
  const unreachable = await queued(stores, '1');
  queue.wake();
  await until('it waits', () => stores.views.evaluation(unreachable)?.reason !== null);
  checkout.trouble = undefined;
  await queued(stores, '2');
  queue.wake();
  await open(1);

  expect(evaluator.open[0]?.sha).toBe(sha('2'));
  expect(stores.views.evaluation(unreachable)).toMatchObject({
    status: 'queued',
    reason: 'It is tried again (1 of 2): connection refused',
  });
});

test('an evaluation that is aborted leaves its end to whoever aborted it', async () => {
  const id = await queued(stores);
  queue.wake();
  await open(1);
  await stores.evaluations.end(id, 'cancelled', 'not wanted', systemClock.now());
  queue.abort(id);
  await until('the worktree is gone', () => checkout.worktrees.size === 0 && evaluator.open.length === 0);

  expect(stores.evaluations.find(id)?.status).toBe('cancelled');
});

test('stopping puts what is being evaluated back in the queue', async () => {
  const id = await queued(stores);
  queue.wake();
  await open(1);

  await queue.stop();

  expect(stores.evaluations.find(id)?.status).toBe('queued');
  expect(checkout.worktrees.size).toBe(0);
});

test('an evaluation whose repository left the configuration is cancelled, not looked at for ever', async () => {
  isConfigured = false;
  const id = await queued(stores);
  queue.wake();
  await status(id, 'cancelled');

  expect(stores.views.evaluation(id)?.reason).toBe('Its repository is not in the configuration any more.');
});

test('the derivations of an evaluation that failed or was cancelled are held no longer', async () => {
  const [failing, unwanted] = [await queued(stores, '1'), await queued(stores, '2')];
  queue.wake();
  await open(2);
  for (const one of evaluator.open) {
    await one.find([found(`of-${one.sha}`)]);
  }
  await stores.evaluations.end(unwanted, 'cancelled', 'not wanted', systemClock.now());
  queue.abort(unwanted);
  evaluator.open.find((one) => one.sha === sha('1'))?.end({ kind: 'failed', reason: 'no' });
  await status(failing, 'evaluation_failed');
  await until('nothing is held', () => [...roots.owners.keys()].every((owner) => !owner.endsWith('-drvs')));

  expect(stores.views.totals().jobs).toEqual({ queued: 0, running: 0 });
});

const bigIn = (name: string) => ({
  kind: 'out_of_memory' as const,
  reason: 'too much',
  attrs: [`packages.${name}` as AttributePath],
});
const openOf = (digit: string) => evaluator.open.find((one) => one.sha === sha(digit));

test('one that ran out of memory is tried once more, alone with the whole budget, and then has failed by name', async () => {
  memory = 4_096;
  const big = await queued(stores, '1');
  const other = await queued(stores, '2');
  queue.wake();
  await open(2);
  const third = await queued(stores, '3');
  queue.wake();
  openOf('1')?.end(bigIn('big'));
  await until('it says so', () => stores.views.evaluation(big)?.reason !== null);
  expect(stores.views.evaluation(big)).toMatchObject({
    status: 'queued',
    reason:
      'It ran out of 4 KiB while evaluating packages.big; it is tried once more alone with the whole 8 KiB.',
  });
  await until(
    'it waits behind the one that waits for everybody',
    () => queue.whyWaiting(third)?.startsWith('It is number 2 of 2 in line.') === true,
  );
  openOf('2')?.end({ kind: 'complete', warnings: [] });
  await status(other, 'building');
  await status(big, 'evaluating');
  await open(1);

  expect(openOf('1')?.memoryBytes).toBe(BUDGET);
  expect(stores.evaluations.find(third)?.status).toBe('queued');
  openOf('1')?.end(bigIn('big'));
  await status(big, 'evaluation_failed');
  expect(stores.views.evaluation(big)?.reason).toMatch(
    /^It ran out of memory while evaluating packages\.big, alone and with the whole 8 KiB\. Raise eval\.memory_budget/,
  );
  await status(third, 'evaluating');
});

test('one that had the whole budget already is not tried again', async () => {
  memory = BUDGET;
  const id = await queued(stores, '1');
  queue.wake();
  await open(1);
  await evaluator.open[0]?.find([found('small')]);
  evaluator.open[0]?.end(bigIn('big'));
  await status(id, 'evaluation_failed');

  expect(checkout.tries).toBe(1);
  expect(checkout.worktrees.size).toBe(0);
  await until('its derivations are let go', () => !roots.owners.has(`eval-${id}-drvs`));
});

test('after a restart of the program it is tried from the beginning, like any other', async () => {
  memory = 4_096;
  const id = await queued(stores, '1');
  queue.wake();
  await open(1);
  openOf('1')?.end(bigIn('big'));
  await until('it is tried with more', () => openOf('1')?.memoryBytes === BUDGET);
  await queue.stop();

  startQueue();
  queue.wake();
  await open(1);

  expect(openOf('1')?.memoryBytes).toBe(4_096);
  openOf('1')?.end({ kind: 'complete', warnings: [] });
  await status(id, 'building');
});

test('evaluations together get no more memory than the budget, however many may run', async () => {
  startQueue(10);
  memory = 3_000;
  const ids = [await queued(stores, '1'), await queued(stores, '2'), await queued(stores, '3')];
  queue.wake();
  await open(2);

  expect(queue.whyWaiting(ids[2] ?? (0 as EvaluationId))).toBe(
    `It is the next to be evaluated. Evaluations ${ids[0]}, ${ids[1]} have to end first: it may need 2.9 KiB of the 8 KiB that all have together.`,
  );
  expect(queue.whyWaiting(ids[0] ?? (0 as EvaluationId))).toBeUndefined();
  openOf('2')?.end({ kind: 'complete', warnings: [] });
  await status(ids[2] ?? (0 as EvaluationId), 'evaluating');
});

test('one that everybody waited for lets the others go when it is cancelled', async () => {
  memory = 4_096;
  const small = await queued(stores, '1');
  queue.wake();
  await open(1);
  memory = BUDGET;
  const large = await queued(stores, '2');
  queue.wake();
  memory = 4_096;
  const next = await queued(stores, '3');
  // It has its place already.
  expect(queue.whyWaiting(large)).toContain('has to end first');
  await stores.evaluations.end(large, 'cancelled', 'not wanted', systemClock.now());
  queue.wake();
  await status(next, 'evaluating');

  expect(stores.evaluations.find(small)?.status).toBe('evaluating');
});

test('one that rests says for how long, and why', async () => {
  startQueue(1, 60_000);
  checkout.trouble = new AppError('git.unreachable', 'connection refused');
  const id = await queued(stores, '1');
  queue.wake();
  await until('it rests', () => queue.whyWaiting(id) !== undefined);

  expect(queue.whyWaiting(id)).toBe(
    'It rests for another 60 s. It is tried again (1 of 2): connection refused',
  );
});

test('of one repository, the default branch is before other branches, whichever was queued first', async () => {
  startQueue(1);
  await stores.repositories.recordLook(stores.repository.id, {
    at: systemClock.now(),
    defaultBranch: MAIN,
    trouble: null,
  });
  const running = await queued(stores, '1');
  queue.wake();
  await open(1);
  await queued(stores, '2', { ref: 'refs/heads/topic' as GitRef });
  const main = await queued(stores, '3');
  openOf('1')?.end({ kind: 'complete', warnings: [] });
  await status(main, 'evaluating');

  expect(stores.evaluations.find(running)?.status).toBe('building');
});
