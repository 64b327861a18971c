/** Evaluations that need not be evaluated, through the queue that finds them, on the real database. */
import type { AttributePath } from '@argunix/shared/domain/attribute-path';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { AppError } from '@argunix/shared/kit/app-error';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeCheckout, createFakeEvaluator } from '../../test/fakes/fake-evaluator.ts';
import { createFakeRoots, createFakeStore } from '../../test/fakes/fake-store.ts';
import { silentMetrics } from '../../test/fakes/silent-metrics.ts';
import { AT, drvPath, MAIN, openStores, sha } from '../../test/store-fixture.ts';
import { until } from '../../test/until.ts';
import { sqlite } from '../adapters/sqlite/sql.ts';
import type { Delivery } from '../ports/delivery-store.ts';
import type { Found } from '../ports/evaluator.ts';
import type { EvaluationSettings } from '../ports/settings.ts';
import { cancelEvaluation } from './cancel-evaluation.ts';
import { createEvaluationQueue, type EvaluationQueue } from './evaluation-queue.ts';

const TOPIC = 'refs/heads/topic' as GitRef;

let stores: Awaited<ReturnType<typeof openStores>>;
let queue: EvaluationQueue;
let evaluator = createFakeEvaluator();
let checkout = createFakeCheckout();
let store = createFakeStore();
let roots = createFakeRoots();
let handedOver: EvaluationId[] = [];
let settings: Omit<EvaluationSettings, 'source'>;
/** Awaited before the store says what is valid of these, which were asked for. */
let gate: (paths: readonly string[]) => Promise<void>;

function startQueue({ concurrency = 2, nixVersion = '2.8.0' } = {}): void {
  queue = createEvaluationQueue({
    ...stores,
    evaluator,
    nixVersion,
    checkout,
    store: {
      ...store,
      validPaths: async (paths) => {
        await gate(paths);
        return await store.validPaths(paths);
      },
    },
    roots,
    changes: { tell: () => undefined, listen: () => () => undefined },
    clock: systemClock,
    log: silentLogger,
    metrics: silentMetrics,
    room: { concurrency, budgetBytes: 10_000 },
    retries: 2,
    retryMs: 1,
    forgeOf: () => undefined,
    settingsOf: (repositoryId) => ({
      ...settings,
      source: { repositoryId, url: '/srv/sample.git', credential: null, fetchable: [] },
    }),
    onBuilding: (id) => {
      handedOver.push(id);
    },
  });
}
beforeEach(async () => {
  stores = await openStores();
  evaluator = createFakeEvaluator();
  checkout = createFakeCheckout();
  store = createFakeStore();
  roots = createFakeRoots();
  handedOver = [];
  gate = () => Promise.resolve();
  settings = {
    systems: ['x86_64-linux'],
    attributes: ['packages'],
    timeoutMs: 1_000,
    memoryBytes: 1_000,
    workers: 1,
    allowImportFromDerivation: true,
    allowNetwork: true,
    reuseSameTree: false,
    weight: 1,
  };
  startQueue();
});
afterEach(async () => {
  await queue.stop();
  await stores.close();
});

async function delivered(digit: string, more: Partial<Omit<Delivery, 'id'>> = {}): Promise<EvaluationId> {
  const delivery = {
    repositoryId: stores.repository.id,
    kind: 'push',
    origin: 'look',
    prNumber: null,
    ref: MAIN,
    sha: sha(digit),
    isTrusted: true,
    people: null,
    before: null,
    receivedAt: AT,
    ...more,
    uid: null,
  } as const;
  const id = await stores.deliveries.accept(
    { ...delivery, id: await stores.deliveries.receive(delivery) },
    systemClock.now(),
  );
  queue.wake();
  return id ?? (0 as EvaluationId);
}
const status = (id: EvaluationId, wanted: string): Promise<void> =>
  until(`evaluation ${id} is ${wanted}`, () => stores.evaluations.find(id)?.status === wanted);

const FOUND: readonly Found[] = [
  ...['built', 'new'].map(
    (name): Found => ({
      kind: 'job',
      attr: `packages.${name}` as AttributePath,
      system: 'x86_64-linux',
      name,
      drvPath: drvPath(name),
      outputs: { out: `/out/${name}` },
      requiredFeatures: name === 'new' ? ['kvm'] : [],
      description: `It is ${name}.`,
      mainProgram: name,
    }),
  ),
  { kind: 'broken', attr: 'packages.bad' as AttributePath, system: 'x86_64-linux', message: 'error: no' },
];

/** Evaluated to its end by the evaluator. */
async function evaluated(digit: string, more: Partial<Omit<Delivery, 'id'>> = {}): Promise<EvaluationId> {
  store.valid.add(drvPath('built')).add(drvPath('new'));
  const id = await delivered(digit, more);
  await until('its evaluator runs', () => evaluator.open.some((one) => one.sha === sha(digit)));
  const open = evaluator.open.find((one) => one.sha === sha(digit));
  await open?.find(FOUND);
  open?.end({ kind: 'complete', warnings: [] });
  await status(id, 'building');
  return id;
}
const reusedFrom = (id: EvaluationId): number | null =>
  stores.database.first(sqlite.selectFrom('evaluations').select('reused_from').where('id', '=', id))
    ?.reused_from ?? null;
async function isEvaluatedAnew(id: EvaluationId): Promise<boolean> {
  await status(id, 'evaluating');
  await until('its evaluator runs', () => evaluator.open.length > 0);
  return reusedFrom(id) === null;
}
/** The evaluation whose jobs it has, when it has them. */
async function takenFrom(id: EvaluationId): Promise<number | null> {
  await until('it was handed over', () => handedOver.includes(id));
  expect(stores.evaluations.find(id)?.status).toBe('building');
  expect(evaluator.open).toEqual([]);
  return reusedFrom(id);
}

test('the same commit on another branch has the same jobs, without a checkout and without an evaluator', async () => {
  const first = await evaluated('1');
  store.valid.add('/out/built');
  const second = await delivered('1', { ref: TOPIC });
  expect(await takenFrom(second)).toBe(first);

  const shown = (id: EvaluationId) => stores.views.jobs({ evaluationId: id, limit: 9 });
  expect(shown(second).map((job) => [job.attr, job.status, job.reason])).toEqual([
    ['packages.bad', 'failure', 'error: no'],
    ['packages.built', 'cached', 'built was built before; nothing was to be done.'],
    ['packages.new', 'queued', null],
  ]);
  const lasting = (id: EvaluationId) =>
    stores.database.all(
      sqlite
        .selectFrom('jobs')
        .select(['attr', 'system', 'name', 'drv_path', 'outputs', 'required_features'])
        .select(['description', 'main_program', 'attempt', 'lease_id'])
        .where('evaluation_id', '=', id)
        .orderBy('id'),
    );
  expect(lasting(second)).toEqual(lasting(first));
  expect(checkout.tries).toBe(1);
  expect(roots.owners.get(`eval-${second}-drvs`)).toEqual(new Set([drvPath('new')]));
  expect(roots.owners.get(`eval-${second}-outs`)).toEqual(new Set(['/out/built']));
  expect(stores.views.evaluation(second)).toMatchObject({ reused_from: first, reason: null });
});

test('it needs no place in line: it is taken over while others are evaluated', async () => {
  startQueue({ concurrency: 1 });
  const first = await evaluated('1');
  await delivered('2');
  await until('the place is taken', () => evaluator.open.length === 1);
  const again = await delivered('1', { ref: TOPIC });
  await until('it was handed over', () => handedOver.includes(again));

  expect(reusedFrom(again)).toBe(first);
  expect(evaluator.open.map((one) => one.sha)).toEqual([sha('2')]);
});

test('one that was taken over can be taken over from', async () => {
  const first = await evaluated('1');
  const second = await delivered('1', { ref: TOPIC });
  expect(await takenFrom(second)).toBe(first);
  const third = await delivered('1', { ref: 'refs/tags/v1' as GitRef });

  expect(await takenFrom(third)).toBe(second);
});

test('where a derivation was collected in between, it is evaluated anew', async () => {
  await evaluated('1');
  store.valid.delete(drvPath('new'));
  const second = await delivered('1', { ref: TOPIC });
  expect(await isEvaluatedAnew(second)).toBe(true);
  store.valid.add(drvPath('new'));
  await evaluator.open[0]?.find(FOUND);
  evaluator.open[0]?.end({ kind: 'complete', warnings: [] });
  await status(second, 'building');

  expect(stores.views.evaluation(second)?.counts.total).toBe(3);
});

test('what is to be built is rooted before it is asked about for the last time', async () => {
  await evaluated('1');
  let wasRooted: boolean | undefined;
  gate = (paths) => {
    // The collector came by after the first answer.
    if (paths.length === 2) {
      wasRooted = roots.owners.values().some((owned) => owned.has(drvPath('new')));
      store.valid.delete(drvPath('new'));
    }
    return Promise.resolve();
  };
  const second = await delivered('1', { ref: TOPIC });

  expect(await isEvaluatedAnew(second)).toBe(true);
  expect(wasRooted).toBe(true);
});

test('where all is built already, no derivation is held', async () => {
  const first = await evaluated('1');
  store.valid.add('/out/built').add('/out/new');
  const second = await delivered('1', { ref: TOPIC });

  expect(await takenFrom(second)).toBe(first);
  expect(roots.owners.has(`eval-${second}-drvs`)).toBe(false);
  expect(stores.jobs.hasUnfinished(second)).toBe(false);
});

test('cancelled while it is taken over, it stays cancelled, has no jobs and holds nothing', async () => {
  await evaluated('1');
  const { promise, resolve } = Promise.withResolvers<void>();
  // The second question, of what was rooted.
  gate = (paths) => (paths.length > 2 ? Promise.resolve() : promise);
  const second = await delivered('1', { ref: TOPIC });
  await until('they are rooted', () => roots.owners.has(`eval-${second}-drvs`));
  const dispatcher = { forget: () => Promise.resolve() };
  await cancelEvaluation(
    {
      ...stores,
      queue,
      dispatcher: dispatcher,
      roots,
      changes: { tell: () => undefined, listen: () => () => undefined },
      clock: systemClock,
      log: silentLogger,
      metrics: silentMetrics,
    },
    second,
    'not wanted',
  );
  resolve();
  await queue.stop();

  expect(stores.views.evaluation(second)).toMatchObject({ status: 'cancelled', counts: { total: 0 } });
  expect(roots.owners.has(`eval-${second}-drvs`)).toBe(false);
  expect(handedOver).not.toContain(second);
});

test('stopped while it is taken over, it is queued, and the next start takes it over', async () => {
  const first = await evaluated('1');
  const { promise, resolve } = Promise.withResolvers<void>();
  // The second question, of what was rooted.
  gate = (paths) => (paths.length > 2 ? Promise.resolve() : promise);
  const second = await delivered('1', { ref: TOPIC });
  await until('they are rooted', () => roots.owners.has(`eval-${second}-drvs`));
  const stopped = queue.stop();
  resolve();
  await stopped;
  expect(stores.evaluations.find(second)?.status).toBe('queued');

  startQueue();
  queue.wake();

  expect(await takenFrom(second)).toBe(first);
});

test('what strangers had evaluated is never taken for trusted, what is trusted may be for strangers', async () => {
  const theirs = await evaluated('1', { kind: 'pull_request', prNumber: 7, isTrusted: false });
  const pushed = await delivered('1');
  expect(await isEvaluatedAnew(pushed)).toBe(true);
  evaluator.open[0]?.end({ kind: 'complete', warnings: [] });
  await status(pushed, 'building');
  const requested = await delivered('1', { kind: 'pull_request', prNumber: 8, isTrusted: false });

  expect(await takenFrom(requested)).toBe(pushed);
  expect(theirs).toBeLessThan(pushed);
});

test('what a person asks for is evaluated anew, and later pushes take that', async () => {
  const first = await evaluated('1');
  const manual = await delivered('1', { kind: 'manual' });
  expect(await isEvaluatedAnew(manual)).toBe(true);
  evaluator.open[0]?.end({ kind: 'complete', warnings: [] });
  await status(manual, 'building');
  await stores.evaluations.end(first, 'cancelled', 'why', AT);
  const restarted = (await stores.evaluations.restart(first, AT)) ?? (0 as EvaluationId);
  queue.wake();
  expect(await isEvaluatedAnew(restarted)).toBe(true);
  evaluator.open[0]?.end({ kind: 'complete', warnings: [] });
  await status(restarted, 'building');

  expect(await takenFrom(await delivered('1', { ref: TOPIC }))).toBe(restarted);
});

test.each<Partial<EvaluationSettings>>([
  { systems: ['x86_64-linux', 'aarch64-linux'] },
  { attributes: ['packages', 'checks'] },
  { allowImportFromDerivation: false },
  { allowNetwork: false },
])('with %o since then, it is evaluated anew', async (changed) => {
  await evaluated('1');
  settings = { ...settings, ...changed };

  expect(await isEvaluatedAnew(await delivered('1', { ref: TOPIC }))).toBe(true);
});

test.each<Partial<EvaluationSettings>>([{ timeoutMs: 5 }, { memoryBytes: 5 }, { workers: 5 }, { weight: 5 }])(
  'with %o since then, it is taken over all the same',
  async (changed) => {
    const first = await evaluated('1');
    settings = { ...settings, ...changed };

    expect(await takenFrom(await delivered('1', { ref: TOPIC }))).toBe(first);
  },
);

test('with another Nix since then, it is evaluated anew', async () => {
  await evaluated('1');
  await queue.stop();
  startQueue({ nixVersion: '2.26.3' });

  expect(await isEvaluatedAnew(await delivered('1', { ref: TOPIC }))).toBe(true);
});

test.each(['evaluation_failed', 'cancelled'])(
  'one that ended as %s while it was evaluated has nothing to take over',
  async (end) => {
    const first = await delivered('1');
    await until('its evaluator runs', () => evaluator.open.length === 1);
    store.valid.add(drvPath('built')).add(drvPath('new'));
    await evaluator.open[0]?.find(FOUND);
    if (end === 'cancelled') {
      await stores.evaluations.end(first, 'cancelled', 'why', AT);
      queue.abort(first);
    } else {
      evaluator.open[0]?.end({ kind: 'failed', reason: 'why' });
    }
    await status(first, end);
    await until('its evaluator is gone', () => evaluator.open.length === 0);

    expect(await isEvaluatedAnew(await delivered('1', { ref: TOPIC }))).toBe(true);
  },
);

test('one that was superseded while it was built has', async () => {
  const first = await evaluated('1');
  await stores.evaluations.end(first, 'cancelled', 'a newer push', AT);

  expect(await takenFrom(await delivered('1'))).toBe(first);
});

test('nothing crosses from one repository to another', async () => {
  await evaluated('1');
  const other = await stores.repositories.ensure(
    { forge: 'here', slug: 'demo/fork' as RepositorySlug, kind: 'git' },
    AT,
  );

  expect(await isEvaluatedAnew(await delivered('1', { repositoryId: other.id }))).toBe(true);
});

test('of two of one commit at a time, the second waits for what the first finds', async () => {
  const first = await delivered('1');
  await until('its evaluator runs', () => evaluator.open.length === 1);
  const second = await delivered('1', { ref: TOPIC });
  expect(queue.whyWaiting(second)).toBe(
    `It takes over what evaluation ${first} finds, which evaluates the same revision now.`,
  );
  const third = await delivered('2');
  await until('others do not wait for it', () => evaluator.open.length === 2);
  evaluator.open.find((one) => one.sha === sha('2'))?.end({ kind: 'complete', warnings: [] });
  await status(third, 'building');
  store.valid.add(drvPath('built')).add(drvPath('new'));
  await evaluator.open[0]?.find(FOUND);
  evaluator.open[0]?.end({ kind: 'complete', warnings: [] });

  expect(await takenFrom(second)).toBe(first);
  expect(stores.views.evaluation(second)?.counts.total).toBe(3);
});

test('of two of one commit at a time, the second is evaluated when the first comes to nothing', async () => {
  const first = await delivered('1');
  await until('its evaluator runs', () => evaluator.open.length === 1);
  const second = await delivered('1', { ref: TOPIC });
  evaluator.open[0]?.end({ kind: 'timed_out', reason: 'too slow' });
  await status(first, 'evaluation_failed');

  expect(await isEvaluatedAnew(second)).toBe(true);
});

test('another commit with the same files is taken over only where that is asked for', async () => {
  checkout.trees.set(sha('1'), sha('e')).set(sha('2'), sha('e')).set(sha('3'), sha('e'));
  await evaluated('1');
  const different = await delivered('2');
  expect(await isEvaluatedAnew(different)).toBe(true);
  evaluator.open[0]?.end({ kind: 'complete', warnings: [] });
  await status(different, 'building');
  settings = { ...settings, reuseSameTree: true };
  const first = await evaluated('3');

  const same = await delivered('4', {});
  expect(await isEvaluatedAnew(same)).toBe(true);
  evaluator.open[0]?.end({ kind: 'complete', warnings: [] });
  await status(same, 'building');
  checkout.trees.set(sha('5'), sha('e'));
  expect(await takenFrom(await delivered('5'))).toBe(first);
  // And one of that very commit, which has the same tree.
  const fifth = handedOver.at(-1) ?? (0 as EvaluationId);
  expect(await takenFrom(await delivered('5', { ref: TOPIC }))).toBe(fifth);
});

test('where the tree cannot be asked for, the evaluation meets the trouble itself', async () => {
  settings = { ...settings, reuseSameTree: true };
  checkout.trouble = new AppError('git.missing-revision', 'it was force-pushed away');
  const id = await delivered('1');
  await status(id, 'evaluation_failed');

  expect(stores.views.evaluation(id)?.reason).toBe('it was force-pushed away');
});

test('taking over happens wholly or not at all', async () => {
  const first = await evaluated('1');
  await queue.stop();
  const keys = { commit: 'key', tree: null };
  const queued = await delivered('1', { ref: TOPIC });
  const gone = 99_999 as EvaluationId;

  expect(await stores.reuse.takeOver(queued, { from: gone, keys, cached: [] }, AT)).toBe(false);
  expect(await stores.reuse.takeOver(first, { from: first, keys, cached: [] }, AT)).toBe(false);
  expect(stores.views.evaluation(queued)).toMatchObject({ status: 'queued', counts: { total: 0 } });
  expect(stores.views.evaluation(first)?.counts.total).toBe(3);
  // What a try that was interrupted had found is not in the way.
  await stores.evaluations.begin(queued, AT);
  await stores.jobs.insert(queued, [], AT);
  await stores.evaluations.requeue(queued, null);
  expect(await stores.reuse.takeOver(queued, { from: first, keys, cached: [] }, AT)).toBe(true);
  expect(stores.views.evaluation(queued)).toMatchObject({ status: 'building', counts: { total: 3 } });
  expect(stores.reuse.find('commit', 'key', { repositoryId: stores.repository.id, isTrusted: true })).toBe(
    queued,
  );
  expect(
    stores.reuse.find('commit', 'key', { repositoryId: 99 as RepositoryId, isTrusted: true }),
  ).toBeUndefined();
});
