/** The daemon: the engine, the repositories it watches, the pages and the control socket. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type JobId, type RepositoryId, toJobId } from '@argunix/shared/domain/ids';
import { storePathName } from '@argunix/shared/domain/store-path';
import { messageOf } from '@argunix/shared/kit/app-error';
import { systemClock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { readSecret } from '@argunix/shared/kit/secret';
import { createGitCheckout } from '../adapters/git/checkout.ts';
import type { Readiness } from '../adapters/http/health-routes.ts';
import { createJobLogs } from '../adapters/http/job-logs.ts';
import type { HttpServer, HttpServerOptions } from '../adapters/http/server.ts';
import { createPrometheusMetrics } from '../adapters/prometheus/metrics.ts';
import { createDeliveryStore } from '../adapters/sqlite/delivery-store.ts';
import { createFindLog } from '../adapters/sqlite/find-log.ts';
import type { OpenDatabase } from '../adapters/sqlite/open-database.ts';
import { createReadings } from '../adapters/sqlite/readings.ts';
import { createRepositoryStore } from '../adapters/sqlite/repository-store.ts';
import { createViews } from '../adapters/sqlite/views.ts';
import type { Configuration } from '../config/configuration.ts';
import { cancelBranch } from '../flows/cancel-branch.ts';
import { handleDeliveries } from '../flows/handle-deliveries.ts';
import { keepTrying } from '../flows/keep-trying.ts';
import { type RepositoryWatch, watchRepository } from '../flows/watch-repositories.ts';
import type { Change, Changes } from '../ports/changes.ts';
import type { MayRead } from '../ports/may-read.ts';
import type { Views } from '../ports/views.ts';
import { toBuilderViews } from './builder-views.ts';
import { createCommands } from './commands.ts';
import { composeEngine, type Engine, type EngineOptions } from './engine.ts';
import { ensureRepositories } from './repositories.ts';

export interface CoordinatorOptions {
  readonly configuration: Configuration;
  readonly env: NodeJS.ProcessEnv;
  readonly nix: EngineOptions['nix'];
  readonly log: Logger;
  readonly version: string;
}

export interface Coordinator {
  /** Where it listens, as a URL. */
  readonly url: string;
  /** Resolves with the reason when it can do nothing more and has to be started again. */
  readonly broken: Promise<Error>;
  /** Ends within about 15 s: streams are told, builds are ended and queued again, everything is stored. */
  stop(): Promise<void>;
}

const NO_BUILDER =
  'There is no builder: local_builds is off, and this version has no builders on other machines yet.';

export async function startCoordinator({
  configuration,
  env,
  nix,
  log,
  version,
}: CoordinatorOptions): Promise<Coordinator> {
  const { schedule, stateDir, externalUrl } = configuration;
  const stopping = new AbortController();
  const watched = new Map<RepositoryId, Awaited<ReturnType<typeof ensureRepositories>>['watched'][number]>();
  const metrics = createPrometheusMetrics({
    readings: {
      totals: () => views.totals(),
      builders: () => builders(),
      ...createReadings(() => engine.database),
    },
    systems: () => configuration.systems,
    forges: () => configuration.forges.map(({ name }) => name),
  });
  const composing = composeEngine({
    metrics,
    stateDir,
    env,
    nix,
    log,
    buildsHere: configuration.localBuilds,
    evaluationConcurrency: schedule.evaluationConcurrency,
    buildTimeoutMs: schedule.buildTimeoutMs,
    maxSilentMs: schedule.maxSilentMs,
    infrastructureRetries: schedule.infrastructureRetries,
    infrastructureRetryMs: schedule.infrastructureRetryMs,
    confinement: 'required',
    preferredEvaluator: configuration.evaluator,
    settingsOf: (id) => watched.get(id)?.settings,
    createCheckout: () =>
      createGitCheckout({
        mirrorsDir: join(stateDir, 'mirrors'),
        worktreesDir: join(stateDir, 'worktrees'),
        readSecret: async (path) => (await readSecret(path)).reveal(),
        log,
        environment: env,
      }),
  });
  // Loaded while the engine waits for a thread and for processes.
  const listeners = Promise.all([
    import('../adapters/http/server.ts'),
    import('../adapters/http/control-server.ts'),
    import('../adapters/http/log-routes.ts'),
  ]);
  const [engine, [{ createHttpServer }, { createControlServer }, { logRoutes }]] = await Promise.all([
    composing,
    listeners,
  ]);
  const { database, changes, evaluations, dispatcher } = engine;
  const clock = systemClock;
  const repositories = createRepositoryStore(database);
  const deliveries = createDeliveryStore(database);
  const known = await ensureRepositories(configuration, repositories, clock.now());
  for (const one of known.watched) {
    watched.set(one.repository.id, one);
  }

  const views: Views = createViews(database, {
    externalUrl,
    webUrlOf: (forge, slug) => known.webUrls.get(`${forge}/${slug}`) ?? null,
    waitingReason: (jobId) => waitingReason(toJobId(jobId)),
  });
  function waitingReason(jobId: JobId): string | null {
    const heldBy = dispatcher.heldBy(jobId);
    if (heldBy !== undefined) {
      return `Waits for ${storePathName(heldBy)}, which it needs.`;
    }
    if (engine.builder.slots === 0) {
      return NO_BUILDER;
    }
    const spoiledBy = dispatcher.spoiledBy(jobId);
    if (spoiledBy !== undefined) {
      return spoiledBy;
    }
    return dispatcher.slotsUsed >= engine.builder.slots
      ? `Waits for a free place: ${engine.builder.slots} of ${engine.builder.slots} on ${engine.builder.name} are taken.`
      : null;
  }
  const findLog = createFindLog(database);
  const mayRead: MayRead = (_reader, { forge, slug }) => !known.privateOnes.has(`${forge}/${slug}`);
  const warnings = (): readonly string[] => [
    ...engine.warnings,
    ...known.warnings,
    ...(configuration.localBuilds ? [] : [NO_BUILDER]),
  ];
  const builders = (): ReturnType<typeof toBuilderViews> => toBuilderViews(engine.builder, dispatcher, views);

  async function takeFromInbox(): Promise<void> {
    await handleDeliveries({ deliveries, evaluations, changes, clock, coalesceMs: schedule.coalesceMs });
    engine.queue.wake();
  }
  const inBackground = (what: string, work: () => Promise<unknown>): void => {
    const retryMs = schedule.infrastructureRetryMs;
    void keepTrying({ clock, log, retryMs }, what, stopping.signal, work).catch((error: unknown) =>
      log.error({ err: error, what }, 'something in the background failed'),
    );
  };
  const watches = new Map<RepositoryId, RepositoryWatch & { readonly ended: Promise<void> }>();
  const commands = createCommands({
    engine,
    deliveries,
    watched,
    clock,
    poke: (id) => watches.get(id)?.poke(),
    signal: stopping.signal,
  });

  let isReady = false;
  const common = {
    views,
    builders,
    warnings,
    readiness: () =>
      isReady ? canWrite(database) : ({ kind: 'not_ready', reason: 'It is still starting.' } as const),
    externalUrl,
    version,
    logger: log,
    now: () => clock.now(),
  };
  const logPlugin =
    (isOperator: boolean): HttpServerOptions['plugins'][number] =>
    async (app) => {
      await app.register(logRoutes, {
        logs: engine.logs,
        changes: isOperator ? changes : readableChanges(engine, known.privateIds),
        logger: log,
        findLog: ({ jobId, attempt, bearer }) => {
          const job = views.job(jobId);
          const owner = job === undefined ? undefined : views.evaluation(job.eval_id);
          return owner !== undefined && (isOperator || mayRead({ bearer }, owner.repo))
            ? findLog(jobId, attempt)
            : undefined;
        },
      });
    };
  const server = await createHttpServer({
    ...common,
    plugins: [logPlugin(false)],
    logs: createJobLogs({ logs: engine.logs, leaseOf: (jobId) => findLog(jobId, null)?.leaseId ?? null }),
    mayRead,
    poke: (poke) => commands.poke(poke),
    pokedForges: () => known.pokedForges,
    metrics,
    metricsToken: known.metricsToken,
    listen: configuration.listen,
    trustedProxies: configuration.trustedProxies,
  });
  let control: HttpServer | undefined;

  async function stop(): Promise<void> {
    stopping.abort();
    await Promise.all([server.close(), control?.close(), ...[...watches.values()].map(({ ended }) => ended)]);
    await engine.stop();
  }
  try {
    // First, for where it cannot listen nothing is to be begun; whoever asks early is told that it starts.
    const url = await server.listen();
    await engine.start();
    await takeFromInbox();
    await mkdir(dirname(configuration.controlSocketPath), { recursive: true, mode: 0o700 });
    control = await createControlServer({
      ...common,
      plugins: [logPlugin(true)],
      socketPath: configuration.controlSocketPath,
      commands,
    });
    await control.listen();
    for (const one of known.watched) {
      const watch = watchRepository(
        {
          checkout: engine.checkout,
          repositories,
          deliveries,
          changes,
          clock,
          log,
          retryMs: schedule.infrastructureRetryMs,
          onPushed: () => inBackground('handle the inbox', takeFromInbox),
          onBranchesGone: (id, refs) =>
            inBackground('cancel the work of a deleted branch', () =>
              cancelBranch({ ...engine, clock }, id, refs),
            ),
        },
        one,
        stopping.signal,
      );
      watches.set(one.repository.id, watch);
    }
    isReady = true;
    return { url, broken: database.broken, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Strangers are not told that something of a private repository changed, not even by its number. */
function readableChanges({ changes, evaluations }: Engine, privateIds: ReadonlySet<RepositoryId>): Changes {
  const isReadable = (change: Change): boolean => {
    const id =
      change.kind === 'repository'
        ? change.repositoryId
        : evaluations.find(change.evaluationId)?.repositoryId;
    return id !== undefined && !privateIds.has(id);
  };
  return privateIds.size === 0
    ? changes
    : {
        tell: (change) => changes.tell(change),
        listen: (listener) =>
          changes.listen((change) => {
            if (isReadable(change)) {
              listener(change);
            }
          }),
      };
}

/** A transaction that writes and changes nothing: the writing thread lives, nobody else holds the database, the disk has room. */
async function canWrite(database: OpenDatabase): Promise<Readiness> {
  try {
    await database.write([{ sql: 'pragma user_version = 0', parameters: [] }]);
    return { kind: 'ready' };
  } catch (error) {
    return { kind: 'not_ready', reason: messageOf(error) };
  }
}
