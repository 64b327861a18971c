/**
 * Random lives of a coordinator: pushes, builds that end in every way, a full disk, people who cancel and restart, kills
 * and stops at any moment. Whatever happens, everything ends, once, and nothing is held for ever. A failure prints its
 * seed for MODEL_SEED; MODEL_RUNS asks for more lives, MODEL_SHRINK=1 for the shortest that fails.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import { type EvaluationId, type JobId, toEvaluationId, toJobId } from '@argunix/shared/domain/ids';
import { isJobEnding } from '@argunix/shared/domain/job-status';
import { isAppError } from '@argunix/shared/kit/app-error';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sqlite } from '../../src/adapters/sqlite/sql.ts';
import { outcomeOf } from '../../src/domain/evaluation-outcome.ts';
import { givesWay, successorOf } from '../../src/domain/supersede.ts';
import type { EvaluationEnding } from '../../src/ports/evaluator.ts';
import { AT, drvPath, MAIN, openStores } from '../store-fixture.ts';
import { until } from '../until.ts';
import { AGENT } from './agent.ts';
import { createWorld, foundJob, type House, openHouse, type World } from './house.ts';
import { brokenMoves, forgetEverything, recordMoves } from './moves.ts';
import { type Deed, NAMES, picked, type Scenario, type Step, scenario } from './scenario.ts';

const { MODEL_RUNS = '200', MODEL_SEED, MODEL_SHRINK } = process.env;

let opened: Awaited<ReturnType<typeof openStores>>;
beforeAll(async () => {
  opened = await openStores();
  await recordMoves(opened.database);
});
afterAll(() => opened.close());

test('whatever happens, everything ends, once, and nothing is held for ever', {
  timeout: 600_000,
}, async () => {
  await fc.assert(fc.asyncProperty(scenario, liveAndEnd), {
    numRuns: Number(MODEL_RUNS),
    endOnFailure: MODEL_SHRINK !== '1',
    ...(MODEL_SEED === undefined ? {} : { seed: Number(MODEL_SEED) }),
  });
});

async function liveAndEnd({ needs, dropsSuperseded, steps }: Scenario): Promise<void> {
  await forgetEverything(opened.database);
  const repository = await opened.repositories.ensure(
    { forge: 'here', slug: opened.repository.slug, kind: 'git' },
    AT,
  );
  const world = createWorld({ ...opened, repository }, dropsSuperseded);
  for (const [at, name] of NAMES.entries()) {
    world.store.valid.add(drvPath(name));
    world.store.inputs.set(drvPath(name), picked(needs[at] ?? 0).map(drvPath));
  }
  const onUnhandled = (error: unknown): void => void world.broken.push(`nobody caught ${String(error)}`);
  process.on('unhandledRejection', onUnhandled);
  try {
    await live(world, steps);
    await comeToRest(world);
    checkGivenWay(world);
    await endEverything(world);
    await stopInTime(world.house);
    check(world);
    expect(world.broken).toEqual([]);
  } finally {
    process.off('unhandledRejection', onUnhandled);
    world.house.kill();
  }
}

async function live(world: World, steps: readonly Step[]): Promise<void> {
  await world.house.start();
  for (const { deed, turns } of steps) {
    await act(world, deed);
    await letPass(turns);
  }
}

/** What is asked for goes on while the next deed is done. */
async function act(world: World, deed: Deed): Promise<void> {
  const { house } = world;
  const inBackground = (work: Promise<unknown>): void => {
    const { underWay } = world;
    const caught = work.catch((error: unknown) => {
      if (!isAppError(error)) {
        world.broken.push(`threw ${String(error)}`);
      }
    });
    underWay.add(caught);
    void caught.then(() => underWay.delete(caught));
  };
  switch (deed.does) {
    case 'build':
      inBackground(house.push(deed.prNumber));
      await letPass(null);
      await lastOf(house.evaluator.open)?.find(picked(deed.jobs).map(foundJob));
      lastOf(house.evaluator.open)?.end(toEvaluationEnding('complete'));
      break;
    case 'push':
      inBackground(house.push(deed.prNumber, deed.isNewestFirst));
      break;
    case 'receive':
      inBackground(house.receive(deed.prNumber));
      break;
    case 'delete branch':
      inBackground(house.cancelBranch());
      break;
    case 'close request':
      inBackground(house.cancelRequest(deed.prNumber));
      break;
    case 'find':
      choose(house.evaluator.open, deed.which, (open) =>
        inBackground(open.find(picked(deed.jobs).map(foundJob))),
      );
      break;
    case 'evaluated':
      choose(house.evaluator.open, deed.which, (open) => open.end(toEvaluationEnding(deed.ending)));
      break;
    case 'begin':
      choose(house.builder.open(), deed.which, (name) => house.builder.start(name));
      break;
    case 'finish':
      choose([...house.builder.open(), ...world.agent.open()], deed.which, (name) =>
        finish(world, name, deed.ending),
      );
      break;
    case 'cancel evaluation':
      choose(evaluationIds(world), deed.which, (id) => inBackground(house.cancelEvaluation(id)));
      break;
    case 'restart evaluation':
      choose(evaluationIds(world), deed.which, (id) => inBackground(house.restartEvaluation(id)));
      break;
    case 'restart failed':
      choose(evaluationIds(world), deed.which, (id) => inBackground(house.restartFailed(id)));
      break;
    case 'bump evaluation':
      choose(evaluationIds(world), deed.which, (id) => inBackground(house.bumpEvaluation(id)));
      break;
    case 'bump job':
      choose(jobIds(world), deed.which, (id) => inBackground(house.bumpJob(id)));
      break;
    case 'cancel job':
      choose(jobIds(world), deed.which, (id) => inBackground(house.cancelJob(id)));
      break;
    case 'restart job':
      choose(jobIds(world), deed.which, (id) => inBackground(house.restartJob(id)));
      break;
    case 'kill':
      await startAnew(world);
      break;
    case 'stop':
      // What it cannot store by then, the next start finds.
      await stopInTime(world.house);
      await startAnew(world);
      break;
    case 'agent leaves':
      world.agent.leave();
      house.fleet.leave(AGENT);
      break;
    case 'agent comes':
      comeBack(world);
      break;
    case 'agent forgets':
      world.agent.forget();
      break;
    case 'full disk':
      world.troubles = deed.writes;
      break;
  }
}

/** From now on the disk has room, what stands in the inbox is handled, and everybody is answered. */
async function comeToRest(world: World): Promise<void> {
  world.troubles = 0;
  await world.house.push(1);
  await until('everybody is answered', () => world.underWay.size === 0, 5_000);
}

/** Nothing lives that has to give way, but for what still runs of a branch. */
function checkGivenWay({ dropsSuperseded, stores }: World): void {
  const { contenders, evaluations, repository, views } = stores;
  for (const prNumber of [null, 1, 2]) {
    const subject = { repositoryId: repository.id, ref: MAIN, prNumber };
    const found = contenders.of(subject);
    const successor = successorOf(found);
    const giving = successor === undefined ? [] : found.filter((older) => givesWay(older, successor));
    const left = giving.map(({ id }) => ({ ...evaluations.find(id), id }));
    if (prNumber !== null) {
      expect(left).toEqual([]);
    } else if (dropsSuperseded) {
      expect(
        left.filter(({ status, supersededBy }) => status !== 'building' || supersededBy === null),
      ).toEqual([]);
      // What waits is what ran already, when its host was at fault or the program stopped.
      const waiting = left.flatMap(({ id }) =>
        views.jobs({ evaluationId: id, statuses: ['queued'], limit: 99 }),
      );
      expect(waiting.filter(({ builder }) => builder === null)).toEqual([]);
    }
  }
}

/** Everybody does their part. */
async function endEverything(world: World): Promise<void> {
  const { house } = world;
  const { evaluations, database } = world.stores;
  comeBack(world);
  try {
    await until(
      'everything has ended',
      async () => {
        for (const open of [...house.evaluator.open]) {
          open.end(toEvaluationEnding('complete'));
        }
        for (const name of [...house.builder.open(), ...world.agent.open()]) {
          finish(world, name, 'built');
        }
        await database.write([]);
        return (
          evaluations.living(['queued', 'evaluating', 'building']).length === 0 &&
          house.dispatcher.slotsUsed === 0 &&
          world.underWay.size === 0
        );
      },
      5_000,
    );
  } catch (error) {
    throw new Error(describe(world), { cause: error });
  }
}

function comeBack({ agent, house }: World): void {
  if (!agent.isUp) {
    agent.come();
    house.fleet.join(agent.builder(), agent.held());
  }
}

async function startAnew(world: World): Promise<void> {
  world.house.kill();
  world.underWay = new Set();
  // What was on its way to the disk gets there before anybody can start again.
  await world.stores.database.write([]);
  // A start that meets a full disk ends the program, and the next start is as this one.
  world.troubles = 0;
  world.house = openHouse(world);
  await world.house.start();
}

async function stopInTime(house: House): Promise<void> {
  let hasStopped = false;
  void house.stop().then(() => {
    hasStopped = true;
  });
  await until('the coordinator has stopped', () => hasStopped, 5_000);
}

function check(world: World): void {
  const { house } = world;
  const { views, evaluations, database } = world.stores;
  expect(brokenMoves(database)).toEqual([]);
  expect(database.all(sqlite.selectFrom('leases').selectAll().where('state', '=', 'active'))).toEqual([]);
  expect(house.openLogs()).toBe(0);
  expect([...world.roots.owners.keys()].filter((owner) => owner.endsWith('-drvs'))).toEqual([]);
  for (const id of evaluationIds(world)) {
    checkSuccessor(world, id);
    const view = views.evaluation(id);
    const jobs = views.jobs({ evaluationId: id, limit: 1_000 });
    expect(jobs.filter(({ status }) => !isJobEnding(status))).toEqual([]);
    const { total, ...counts } = view?.counts ?? { total: 0 };
    expect({ total, ...counts }).toEqual({ total: jobs.length, ...evaluations.counts(id) });
    expect(view?.outcome).toBe(view?.status === 'done' ? outcomeOf(evaluations.counts(id)) : null);
  }
}

/** What is superseded names what took its place, which was delivered later; on main only where the repository drops. */
function checkSuccessor({ dropsSuperseded, stores }: World, id: EvaluationId): void {
  const { contenders, evaluations } = stores;
  const evaluation = evaluations.find(id);
  if (evaluation?.status === 'superseded') {
    const successor = evaluation.supersededBy ?? id;
    expect(evaluations.find(successor)?.prNumber).toBe(evaluation.prNumber);
    expect(successor).not.toBe(id);
    expect(evaluation.prNumber !== null || dropsSuperseded).toBe(true);
    expect(successorOf(contenders.of(evaluation))?.id).not.toBe(id);
  }
}

function describe({ stores, house, troubles, broken }: World): string {
  const lines = stores.views.evaluations({ limit: 50 }).map(({ id, status, reason }) => {
    const jobs = stores.views.jobs({ evaluationId: id, limit: 50 });
    return `  evaluation ${id} ${status} ${reason ?? ''}: ${jobs
      .map((job) => `${job.attr} ${job.status} (${job.id}, attempt ${job.attempts})`)
      .join(', ')}`;
  });
  return [
    `not everything has ended; ${house.dispatcher.slotsUsed} slots used, ${troubles} troubles left, open: ${house.builder.open().join(' ')}`,
    ...lines,
    ...broken,
  ].join('\n');
}

function choose<Item>(items: readonly Item[], which: number, use: (item: Item) => void): void {
  const item = items[which % Math.max(1, items.length)];
  if (item !== undefined) {
    use(item);
  }
}

function evaluationIds({ stores }: World): readonly EvaluationId[] {
  return stores.views.evaluations({ limit: 1_000 }).map(({ id }) => toEvaluationId(id));
}

function jobIds(world: World): readonly JobId[] {
  return evaluationIds(world).flatMap((evaluationId) =>
    world.stores.views.jobs({ evaluationId, limit: 1_000 }).map(({ id }) => toJobId(id)),
  );
}

/** As the port promises: what ran is told to have begun before it is told to have ended. */
function finish({ house: { builder }, agent }: World, name: string, kind: BuildEnding['kind']): void {
  if (!builder.open().includes(name)) {
    agent.finish(name, toBuildEnding(kind));
    return;
  }
  if (kind === 'built') {
    builder.start(name);
  }
  builder.finish(name, toBuildEnding(kind));
}

function toBuildEnding(kind: BuildEnding['kind']): BuildEnding {
  const reason = 'the scenario says so';
  if (kind === 'built' || kind === 'substituted' || kind === 'cancelled' || kind === 'returned') {
    return { kind };
  }
  if (kind === 'failed') {
    return { kind, reason, exitCode: 1 };
  }
  return kind === 'dependency_failed' ? { kind, reason, drvPath: null } : { kind, reason };
}

function toEvaluationEnding(kind: 'complete' | 'failed' | 'infrastructure'): EvaluationEnding {
  return kind === 'complete' ? { kind, warnings: [] } : { kind, reason: 'the scenario says so' };
}

/** So many turns of the event loop; null until what was asked of the database is answered and acted on. */
async function letPass(turns: number | null): Promise<void> {
  for (let turn = 0; turn < (turns ?? 20); turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (turns === null) {
    await opened.database.write([]);
    await letPass(20);
  }
}

function lastOf<Item>(items: readonly Item[]): Item | undefined {
  return items.at(-1);
}
