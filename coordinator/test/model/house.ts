/**
 * The queue, the dispatcher and the real database of a coordinator, with an evaluator and a builder that do what a
 * scenario says. It can be killed: what it was about to write never happens, and nobody hears of it again.
 */
import type { AttributePath } from '@argunix/shared/domain/attribute-path';
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import { type DerivationPath, storePathName } from '@argunix/shared/domain/store-path';
import { AppError } from '@argunix/shared/kit/app-error';
import { systemClock } from '@argunix/shared/kit/clock';
import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';
import { createContenderStore } from '../../src/adapters/sqlite/contender-store.ts';
import { createDeliveryStore } from '../../src/adapters/sqlite/delivery-store.ts';
import { createEvaluationStore } from '../../src/adapters/sqlite/evaluation-store.ts';
import { createFailedBuilds } from '../../src/adapters/sqlite/failed-builds.ts';
import { createJobStore } from '../../src/adapters/sqlite/job-store.ts';
import type { Reader } from '../../src/adapters/sqlite/open-database.ts';
import { createRepositoryStore } from '../../src/adapters/sqlite/repository-store.ts';
import { createReuseStore } from '../../src/adapters/sqlite/reuse-store.ts';
import type { Writer } from '../../src/adapters/sqlite/writer.ts';
import { bumpEvaluation, bumpJob } from '../../src/flows/bump-job.ts';
import { cancelBranch } from '../../src/flows/cancel-branch.ts';
import { cancelEvaluation } from '../../src/flows/cancel-evaluation.ts';
import { cancelJob } from '../../src/flows/cancel-job.ts';
import { cancelRequest } from '../../src/flows/cancel-request.ts';
import { createDispatcher, type Dispatcher } from '../../src/flows/dispatch-steps.ts';
import { createEvaluationQueue } from '../../src/flows/evaluation-queue.ts';
import { handleDeliveries } from '../../src/flows/handle-deliveries.ts';
import { keepTrying } from '../../src/flows/keep-trying.ts';
import { recover } from '../../src/flows/recover.ts';
import { restartFailed } from '../../src/flows/restart-failed.ts';
import { restartJob } from '../../src/flows/restart-job.ts';
import { supersedeLeftovers, supersedeOlder } from '../../src/flows/supersede-older.ts';
import type { FoundJob } from '../../src/ports/evaluator.ts';
import type { GcRoots } from '../../src/ports/gc-roots.ts';
import type { StoreReader } from '../../src/ports/store-reader.ts';
import { createFakeBuilder, type FakeBuilder } from '../fakes/fake-builder.ts';
import { createFakeCheckout, createFakeEvaluator, type FakeEvaluator } from '../fakes/fake-evaluator.ts';
import { createFakeFleet, type FakeFleet } from '../fakes/fake-fleet.ts';
import { createFakeLogs } from '../fakes/fake-logs.ts';
import { createFakePlan, noHistory } from '../fakes/fake-planning.ts';
import { createFakeRoots, createFakeStore, type FakeRoots, type FakeStore } from '../fakes/fake-store.ts';
import { silentMetrics } from '../fakes/silent-metrics.ts';
import type { Stores } from '../store-fixture.ts';
import { drvPath, MAIN, PLAIN_INBOX, sha } from '../store-fixture.ts';
import { AGENT, type Agent, createAgent } from './agent.ts';

export interface World {
  /** The one that lives. */
  house: House;
  readonly stores: Stores;
  readonly store: FakeStore;
  readonly roots: FakeRoots;
  /** Whether pushes to main drop what is left of the one before. */
  readonly dropsSuperseded: boolean;
  readonly agent: Agent;
  /** So many of the next writes meet a full disk. */
  troubles: number;
  /** What was asked of the house that lives and not yet answered. */
  underWay: Set<Promise<unknown>>;
  /** What broke a promise; a scenario that ends with any has failed. */
  readonly broken: string[];
}

export interface House {
  readonly fleet: FakeFleet;
  readonly builder: FakeBuilder;
  readonly evaluator: FakeEvaluator;
  readonly dispatcher: Dispatcher;
  readonly openLogs: () => number;
  start(): Promise<void>;
  /** To main, or to a request; what stands in the inbox then is handled, for once with the newest first. */
  push(prNumber?: number | null, isNewestFirst?: boolean): Promise<void>;
  /** The push stands in the inbox until somebody looks into it. */
  receive(prNumber: number | null): Promise<unknown>;
  cancelBranch(): Promise<unknown>;
  cancelRequest(prNumber: number): Promise<unknown>;
  restartFailed(id: EvaluationId): Promise<unknown>;
  bumpEvaluation(id: EvaluationId): Promise<unknown>;
  bumpJob(id: JobId): Promise<unknown>;
  cancelEvaluation(id: EvaluationId): Promise<unknown>;
  cancelJob(id: JobId): Promise<unknown>;
  restartJob(id: JobId): Promise<unknown>;
  restartEvaluation(id: EvaluationId): Promise<unknown>;
  stop(): Promise<void>;
  kill(): void;
}

const SLOTS = 2;

export function createWorld(stores: Stores, dropsSuperseded: boolean): World {
  const outside = {
    stores,
    dropsSuperseded,
    store: createFakeStore(),
    roots: createFakeRoots(),
    agent: createAgent(1),
    troubles: 0,
    underWay: new Set<Promise<unknown>>(),
    broken: [],
  };
  return Object.assign(outside, { house: openHouse(outside) });
}

export function openHouse(world: Omit<World, 'house'>): House {
  const { stores } = world;
  let isAlive = true;
  let asked = 0;
  let pushed = 0;
  // A store answers late, and not always equally late.
  const lately = async <Answer>(answer: () => Promise<Answer>): Promise<Answer> => {
    asked += 1;
    for (let turn = (asked * 7) % 5; turn > 0; turn -= 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return await answer();
  };
  const store: StoreReader = {
    validPaths: (paths) => lately(() => world.store.validPaths(paths)),
    inputDerivations: (path) => lately(() => world.store.inputDerivations(path)),
  };
  const derivations: DerivationReader = {
    inputDerivations: (path) => lately(() => world.store.inputDerivations(path)),
    details: (path) => lately(() => world.store.details(path)),
  };
  const whileAlive = <Result>(work: () => Promise<Result>): Promise<Result> => (isAlive ? work() : silence());
  const roots: GcRoots = {
    add: (owner, paths) => whileAlive(() => world.roots.add(owner, paths)),
    remove: (owner) => whileAlive(() => world.roots.remove(owner)),
    sweep: (isLiving) => whileAlive(() => world.roots.sweep(isLiving)),
  };
  const database: Reader & Writer = {
    all: (query) => stores.database.all(query),
    first: (query) => stores.database.first(query),
    write: async (unit) => {
      if (!isAlive) {
        return await silence();
      }
      if (world.troubles > 0) {
        world.troubles -= 1;
        throw new AppError('store.failed', 'The disk is full, says the scenario.');
      }
      const result = await stores.database.write(unit);
      return await whileAlive(() => Promise.resolve(result));
    },
  };
  const evaluator = createFakeEvaluator();
  const fakeBuilder = createFakeBuilder(SLOTS);
  const builder: FakeBuilder = {
    ...fakeBuilder,
    build: async (requests, ...rest) => {
      for (const { drvPath: path } of requests) {
        const name = storePathName(path);
        // What the agent has of a lease that was given up is not counted: it is told to stop when it is back.
        const isAtAgent = world.agent.held().length === 0 && world.agent.open().includes(name);
        if (isAlive && (fakeBuilder.open().includes(name) || isAtAgent)) {
          world.broken.push(`${storePathName(path)} is built twice at once`);
        }
      }
      await fakeBuilder.build(requests, ...rest);
    },
  };
  const fleet = createFakeFleet([builder, world.agent.builder()]);
  // It comes when the coordinator is there.
  fleet.leave(AGENT);
  const logs = createFakeLogs();
  const shared = {
    evaluations: createEvaluationStore(database),
    jobs: createJobStore(database),
    reuse: createReuseStore(database),
    checkout: createFakeCheckout(),
    store,
    roots,
    changes: { tell: () => undefined, listen: () => () => undefined },
    clock: systemClock,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    logs,
    metrics: silentMetrics,
    retries: 2,
    retryMs: 1,
  };
  const dispatcher = createDispatcher({
    ...shared,
    fleet,
    repositories: createRepositoryStore(database),
    failedBuilds: createFailedBuilds(database),
    buildPlan: createFakePlan(world.store),
    derivations,
    history: noHistory,
    failureCacheMs: 0,
    settings: {
      allowsUnsandboxedUntrusted: false,
      // So long the builds of an agent that stays away are waited for after a restart.
      builderWaitMs: 20,
      spillGraceMs: 1_000,
      quarantineMs: 1,
      weightOf: () => 1,
    },
    limits: { timeoutMs: 1, maxSilentMs: 1, maxLogBytes: 1_000_000 },
  });
  const settingsOf = () => ({
    source: { repositoryId: stores.repository.id, url: '/srv/sample.git', credential: null, fetchable: [] },
    systems: ['x86_64-linux'],
    attributes: ['packages'] as const,
    timeoutMs: 1_000,
    memoryBytes: 1_000,
    workers: 1,
    allowImportFromDerivation: true,
    allowNetwork: true,
    reuseSameTree: false,
    weight: 1,
  });
  const queue = createEvaluationQueue({
    ...shared,
    evaluator,
    nixVersion: '2.8.0',
    forgeOf: () => undefined,
    settingsOf,
    room: { concurrency: 2, budgetBytes: 2_000 },
    onBuilding: (id) => dispatcher.takeOver(id),
  });
  const contenders = createContenderStore(database);
  const dropsSuperseded = (): boolean => world.dropsSuperseded;
  const ports = {
    ...shared,
    queue,
    dispatcher,
    contenders,
    dropsSuperseded,
    line: dispatcher,
  };
  const deliveries = createDeliveryStore(database);
  const stopping = new AbortController();
  const receive = (prNumber: number | null): Promise<unknown> => {
    pushed += 1;
    return deliveries.receive({
      repositoryId: stores.repository.id,
      kind: prNumber === null ? 'push' : 'pull_request',
      prNumber,
      ref: MAIN,
      // A few revisions in turn: some evaluations take over what earlier ones found.
      sha: sha(String(pushed % 3)),
      isTrusted: true,
      origin: 'look',
      uid: null,
      people: null,
      before: null,
      receivedAt: systemClock.now(),
    });
  };
  const handle = async (isNewestFirst: boolean): Promise<void> => {
    const pending = (): ReturnType<typeof deliveries.pending> =>
      isNewestFirst ? deliveries.pending().toReversed() : deliveries.pending();
    await handleDeliveries({
      ...ports,
      ...PLAIN_INBOX,
      repositories: stores.repositories,
      deliveries: { ...deliveries, pending },
      coalesceMs: 0,
      onAccepted: (subject) =>
        keepTrying(ports, 'end what is superseded', stopping.signal, () => supersedeOlder(ports, subject)),
    });
    queue.wake();
  };

  return {
    builder,
    fleet,
    evaluator,
    dispatcher,
    openLogs: () => logs.openCount,
    start: async () => {
      await supersedeLeftovers(ports);
      await recover({ ...ports, settingsOf, ownBuilders: ['fake'] });
      if (world.agent.isUp) {
        fleet.join(world.agent.builder(), world.agent.held());
      }
      await handle(false);
    },
    push: async (prNumber = null, isNewestFirst = false) => {
      await receive(prNumber);
      await handle(isNewestFirst);
    },
    receive,
    cancelBranch: () => cancelBranch(ports, stores.repository.id, [MAIN]),
    cancelRequest: (prNumber) => cancelRequest(ports, stores.repository.id, prNumber),
    restartFailed: (id) => restartFailed(ports, id),
    bumpEvaluation: (id) => bumpEvaluation(ports, id),
    bumpJob: (id) => bumpJob(ports, id),
    cancelEvaluation: (id) => cancelEvaluation(ports, id, 'not wanted'),
    cancelJob: (id) => cancelJob(ports, id),
    restartJob: (id) => restartJob(ports, id),
    restartEvaluation: async (id) => {
      const made = await shared.evaluations.restart(id, systemClock.now());
      queue.wake();
      return made;
    },
    stop: async () => {
      stopping.abort();
      await Promise.all([queue.stop(), dispatcher.stop()]);
      isAlive = false;
    },
    kill: () => {
      isAlive = false;
      world.agent.detach();
    },
  };
}

/** What a process that is dead answers. */
function silence(): Promise<never> {
  return new Promise(() => undefined);
}

export function foundJob(name: string): FoundJob {
  return {
    kind: 'job',
    attr: name as AttributePath,
    system: 'x86_64-linux',
    name,
    drvPath: drvPath(name),
    outputs: { out: outputOf(drvPath(name)) },
    requiredFeatures: [],
    description: null,
    mainProgram: null,
  };
}

export function outputOf(path: DerivationPath): string {
  return path.slice(0, -'.drv'.length);
}
