/** The daemon: the engine, the repositories it watches, the pages and the control socket. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type RepositoryId, toEvaluationId, toJobId } from '@argunix/shared/domain/ids';
import { messageOf } from '@argunix/shared/kit/app-error';
import { systemClock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { readSecret } from '@argunix/shared/kit/secret';
import { createGitCheckout } from '../adapters/git/checkout.ts';
import type { AdministeredBuilders } from '../adapters/http/builder-command-routes.ts';
import type { Readiness } from '../adapters/http/health-routes.ts';
import { createJobLogs } from '../adapters/http/job-logs.ts';
import type { LogRoutesOptions } from '../adapters/http/log-routes.ts';
import type { HttpServer, HttpServerOptions } from '../adapters/http/server.ts';
import { createPrometheusMetrics } from '../adapters/prometheus/metrics.ts';
import { createBuilderStore } from '../adapters/sqlite/builder-store.ts';
import { createContenderStore } from '../adapters/sqlite/contender-store.ts';
import { createDeliveryStore } from '../adapters/sqlite/delivery-store.ts';
import { createFindLog } from '../adapters/sqlite/find-log.ts';
import { createJobDirectory } from '../adapters/sqlite/job-directory.ts';
import type { OpenDatabase } from '../adapters/sqlite/open-database.ts';
import { createReadings } from '../adapters/sqlite/readings.ts';
import { createRepositoryStore } from '../adapters/sqlite/repository-store.ts';
import { createTokenStore } from '../adapters/sqlite/token-store.ts';
import { createViews } from '../adapters/sqlite/views.ts';
import type { HostKey } from '../adapters/ssh/host-key.ts';
import { tokenSecrets } from '../adapters/tokens/token-secrets.ts';
import type { Configuration } from '../config/configuration.ts';
import { administerTokens } from '../flows/administer-tokens.ts';
import { cancelBranch } from '../flows/cancel-branch.ts';
import { cancelDeparted } from '../flows/cancel-departed.ts';
import { cancelEvaluation } from '../flows/cancel-evaluation.ts';
import { handleDeliveries } from '../flows/handle-deliveries.ts';
import { heedNotice } from '../flows/heed-notice.ts';
import { keepTrying } from '../flows/keep-trying.ts';
import { createOneAtATime } from '../flows/one-at-a-time.ts';
import { createPacedWork } from '../flows/paced-work.ts';
import { supersedeLeftovers, supersedeOlder } from '../flows/supersede-older.ts';
import type { BuilderStore } from '../ports/builder-store.ts';
import type { MayRead } from '../ports/may-read.ts';
import type { Queue } from '../ports/queue.ts';
import type { Reload } from '../ports/reload.ts';
import type { EvaluationSettings } from '../ports/settings.ts';
import type { Views } from '../ports/views.ts';
import { createCloneCredentials } from './clone-credentials.ts';
import { createCloserLooks } from './closer-looks.ts';
import { createCommands } from './commands.ts';
import { createDescribeRepository } from './describe-repository.ts';
import { composeEngine, type Engine, type EngineOptions, makeStateDir } from './engine.ts';
import { composeForgeSide, type ForgeSide } from './forge-side.ts';
import { createLogAccess } from './log-access.ts';
import { createReaders } from './readers.ts';
import { createReload, type ReadAgain } from './reload.ts';
import { ensureRepositories, NOTHING_KNOWN } from './repositories.ts';
import { createTokenRegistry } from './token-registry.ts';
import { createWatches } from './watches.ts';
import { withoutEnrollment } from './without-enrollment.ts';

export interface CoordinatorOptions {
  /** As of the start; `readAgain` says what it is later. */
  readonly configuration: Configuration;
  readonly readAgain: ReadAgain;
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
  readonly reload: Reload;
  /** Ends within about 15 s: streams are told, builds are ended and queued again, everything is stored. */
  stop(): Promise<void>;
}

// Between two looks at the inbox: what a busy forge tells meanwhile is handled together.
const INBOX_PAUSE_MS = 100;
const NO_BUILDER =
  'There is no builder: local_builds is off, and builder_enrollment is not configured, so that none can join.';

export async function startCoordinator({
  configuration,
  readAgain,
  env,
  nix,
  log,
  version,
}: CoordinatorOptions): Promise<Coordinator> {
  const { stateDir, externalUrl } = configuration;
  const stopping = new AbortController();
  /** Only `apply` changes these two, both at once. */
  let current = configuration;
  let known = NOTHING_KNOWN;
  /** Undefined until the database is open. */
  let side: ForgeSide | undefined;
  const metrics = createPrometheusMetrics({
    readings: {
      totals: () => views.totals(),
      ...createReadings(() => engine.database),
      queue: () => queue,
      now: () => systemClock.now(),
      backlog: () => side?.checks.backlog() ?? [],
      forges: () =>
        side?.forges.all().map(({ settings: { name }, health }) => ({
          forge: name,
          isPaused: health.pause !== undefined,
        })) ?? [],
      silences: () => engine.builders?.fleet.silences() ?? new Map(),
    },
    systems: () => current.systems,
    forges: () => current.forges.map(({ name }) => name),
  });
  const composing = composeEngine({
    metrics,
    stateDir,
    env,
    nix,
    log,
    localBuilders: configuration.localBuilders,
    enrollment:
      configuration.enrollment === null
        ? null
        : {
            ...configuration.enrollment,
            ...configuration.enrollment.listen,
            tokenPath: () => current.enrollment?.tokenPath ?? null,
            hostKey: await hostKeyOf(stateDir),
          },
    isExpectedOffline: (name) => current.buildersExpectedOffline.includes(name),
    current: () => current,
    confinement: 'required',
    preferredEvaluator: configuration.evaluator,
    settingsOf,
    forgeOf: (id) => side?.forgeOf(id),
    createCheckout: () =>
      createGitCheckout({
        mirrorsDir: join(stateDir, 'mirrors'),
        worktreesDir: join(stateDir, 'worktrees'),
        credentialOf: createCloneCredentials({
          readSecret,
          forgeOf: (name) => side?.forges.get(name)?.forge,
        }),
        log,
        environment: env,
      }),
  });
  /** Where nobody listed systems, those of enrolled builders count as well. */
  function settingsOf(id: RepositoryId): EvaluationSettings | undefined {
    const found = known.watched.get(id);
    return found?.areSystemsOpen !== true
      ? found?.settings
      : { ...found.settings, systems: [...new Set([...found.settings.systems, ...enrolledSystems()])] };
  }
  function enrolledSystems(): readonly string[] {
    const { fleet } = engine;
    // The first is its processor's own; others, such as 32 bits of the same, nobody asked for.
    return [...fleet.present, ...fleet.absent].flatMap(({ offer }) => offer.systems.slice(0, 1));
  }
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
  const { database, changes, evaluations } = engine;
  const clock = systemClock;
  const repositories = createRepositoryStore(database);
  const deliveries = createDeliveryStore(database);

  const views: Views = createViews(database, {
    externalUrl,
    describe: createDescribeRepository({ known: () => known, side: () => side }),
    waitingReason: (jobId) => queue.why(toJobId(jobId))?.sentence ?? null,
    waitingEvaluation: (id) => engine.queue.whyWaiting(toEvaluationId(id)),
    get failureCacheMs() {
      return current.schedule.failureCacheMs;
    },
  });
  const findLog = createFindLog(database);
  const jobLogs = createJobLogs({
    logs: engine.logs,
    leaseOf: (jobId) => findLog(jobId, null)?.leaseId ?? null,
  });
  const directory = createJobDirectory(database, { externalUrl });
  const queue: Queue = engine.dispatcher;
  const tokenStore = createTokenStore(database);
  const tokens = createTokenRegistry({ store: tokenStore, secrets: tokenSecrets, clock, log });
  const { mayRead, changesFor } = createReaders({
    changes,
    evaluations,
    privateOnes: () => known.privateOnes,
    tokens,
  });
  const warnings = (): readonly string[] => [
    ...engine.warnings,
    ...(side?.warnings() ?? []),
    ...(configuration.localBuilds || configuration.enrollment !== null ? [] : [NO_BUILDER]),
  ];

  const patience = {
    clock,
    log,
    get retryMs() {
      return current.schedule.infrastructureRetryMs;
    },
  };
  const superseding = {
    ...engine,
    clock,
    contenders: createContenderStore(database),
    dropsSuperseded: (id: RepositoryId) => known.watched.get(id)?.dropsSuperseded ?? false,
  };
  async function takeFromInbox(): Promise<void> {
    const { coalesceMs, catchUpMs } = current.schedule;
    await handleDeliveries({
      deliveries,
      evaluations,
      repositories,
      changes,
      clock,
      log,
      coalesceMs,
      // What a look finds may have been told, and handled, since the look before it.
      lookbackMs: Math.max(coalesceMs, 2 * catchUpMs),
      wishesOf: (id) => known.watched.get(id),
      onGap: (id) => lookCloser(id),
      // The delivery is handled and does not come again: what follows from it is tried until it is stored.
      onAccepted: (subject) =>
        keepTrying(patience, 'end what is superseded', stopping.signal, () =>
          supersedeOlder(superseding, subject),
        ),
      heed: (notice) =>
        heedNotice(
          {
            ...engine,
            clock,
            restartJob: (id) => commands.restartJob(id),
            restartFailed: (id) => commands.restartFailed(id),
            restartEvaluation: (id) => commands.restartEvaluation(id),
            approve: (evaluation, login) => side?.approveBy(evaluation, login),
          },
          notice,
        ),
    });
    side?.judgeRequests();
    engine.queue.wake();
  }
  const inBackground = (what: string, work: () => Promise<unknown>): void => {
    void keepTrying(patience, what, stopping.signal, work).catch((error: unknown) => {
      // At the stop the next start takes up what is stored.
      if (!stopping.signal.aborted) {
        log.error({ err: error, what }, 'something in the background failed');
      }
    });
  };
  const inbox = createPacedWork({
    work: takeFromInbox,
    start: (run) => inBackground('handle the inbox', run),
    pauseMs: INBOX_PAUSE_MS,
    clock,
    signal: stopping.signal,
  });
  const lookCloser = createCloserLooks({
    poke: (id) => watches.poke(id),
    start: (run) => inBackground('look at a repository of which something came late', run),
    clock,
    signal: stopping.signal,
  });
  const watches = createWatches(
    {
      checkout: engine.checkout,
      repositories,
      deliveries,
      changes,
      clock,
      log,
      get retryMs() {
        return patience.retryMs;
      },
      onPushed: () => inbox.ask(),
      onBranchesGone: (id, refs) =>
        inBackground('cancel the work of a deleted branch', () =>
          cancelBranch({ ...engine, clock }, id, refs),
        ),
    },
    stopping.signal,
  );
  const commands = createCommands({
    engine,
    deliveries,
    watched: () => known.watched,
    clock,
    poke: (id) => watches.poke(id),
    judgeRequests: () => side?.judgeRequests(),
    signal: stopping.signal,
  });

  /** Makes everybody know what the configuration, the store and the forges say now. */
  async function learn(): Promise<void> {
    await side?.openForges();
    await learnFacts();
    await side?.keepHooks();
  }
  /** What the store says of the repositories of the configuration. */
  async function learnFacts(): Promise<void> {
    known = await ensureRepositories(current, {
      repositories,
      forgeOf: (name) => side?.forges.get(name)?.forge,
      tend: (repository, settings, signal) =>
        side?.tend(repository, settings, signal) ?? Promise.resolve({ stored: 0, troubles: [] }),
      now: clock.now(),
    });
  }
  /** At the first start every repository of a forge asks for it, one after another. */
  const learnFactsAgain = createOneAtATime(learnFacts);
  /** The store is asked first: where it fails, nothing has changed. */
  async function apply(next: Configuration): Promise<void> {
    const before = current;
    current = next;
    try {
      await learn();
    } catch (error) {
      current = before;
      await side?.openForges();
      throw error;
    }
    watches.follow(known.watched);
    inBackground('cancel the work of repositories that left', () =>
      cancelDeparted({ ...engine, clock, settingsOf }),
    );
    engine.dispatcher.reconsider();
    engine.queue.wake();
  }
  const reload = createReload({ readAgain, current: () => current, apply, log, signal: stopping.signal });

  let isReady = false;
  const common = {
    views,
    queue,
    directory,
    nixVersionOf: (name: string) =>
      engine.fleet.present.find((builder) => builder.name === name)?.nixVersion ?? null,
    builders: administered(engine, createBuilderStore(database)),
    warnings,
    readiness: () =>
      isReady ? canWrite(database) : ({ kind: 'not_ready', reason: 'It is still starting.' } as const),
    externalUrl,
    version,
    logger: log,
    now: () => clock.now(),
  };
  const logSources = { queue, directory, externalUrl, views, findJobLog: findLog };
  const logPlugin =
    (mayReadLog: MayRead, changesOf: LogRoutesOptions['changesFor']): HttpServerOptions['plugins'][number] =>
    async (app) => {
      await app.register(logRoutes, {
        ...createLogAccess(logSources, mayReadLog),
        logs: engine.logs,
        changesFor: changesOf,
        logger: log,
      });
    };
  side = await composeForgeSide(
    {
      ...engine,
      stateDir,
      logs: jobLogs,
      clock,
      log,
      metrics,
      current: () => current,
      retryMs: () => patience.retryMs,
      wishesOf: (id) => known.watched.get(id),
      onStored: () => inbox.ask(),
      onQueued: () => engine.queue.wake(),
      onFacts: () => inBackground('learn what strangers may see', learnFactsAgain),
      isPrivate: (id) => known.saidPrivate.get(id) ?? null,
      poke: (id) => watches.poke(id),
      cancel: (id, reason) => cancelEvaluation({ ...engine, clock }, id, reason),
    },
    stopping.signal,
  );
  await learn();
  const server = await createHttpServer({
    ...common,
    plugins: [logPlugin(mayRead, changesFor)],
    logs: jobLogs,
    mayRead,
    commands,
    identify: (sent) => tokens.identify(sent),
    pokedForges: () => known.pokedForges,
    door: side.door,
    metrics,
    metricsToken: () => known.metricsToken(),
    listen: configuration.listen,
    trustedProxies: configuration.trustedProxies,
  });
  let control: HttpServer | undefined;

  async function stop(): Promise<void> {
    stopping.abort();
    await Promise.all([server.close(), control?.close(), watches.ended(), side?.ended()]);
    await engine.stop();
  }
  try {
    // First, for where it cannot listen nothing is to be begun; whoever asks early is told that it starts.
    const url = await server.listen();
    await supersedeLeftovers(superseding);
    await engine.start();
    side.start();
    await inbox.run();
    watches.follow(known.watched);
    await mkdir(dirname(configuration.controlSocketPath), { recursive: true, mode: 0o700 });
    control = await createControlServer({
      ...common,
      plugins: [
        logPlugin(
          () => true,
          () => ({ key: 'operator', changes }),
        ),
      ],
      socketPath: configuration.controlSocketPath,
      commands,
      reload,
      hooks: side.hookAdministration,
      forges: side.forgeAdministration,
      tokens: administerTokens({
        tokens: tokenStore,
        secrets: tokenSecrets,
        clock,
        onChange: () => tokens.reload(),
      }),
    });
    await control.listen();
    isReady = true;
    return { url, broken: database.broken, reload, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function administered({ builders }: Engine, store: BuilderStore): AdministeredBuilders {
  return builders === null
    ? withoutEnrollment(store)
    : {
        enrolled: () => store.all(),
        presence: builders.fleet,
        administration: builders.administration,
        hostKey: builders.hostKey,
      };
}

/** The state directory may not be there yet: the key is the first thing in it. */
async function hostKeyOf(stateDir: string): Promise<HostKey> {
  makeStateDir(stateDir);
  return await (await import('../adapters/ssh/host-key.ts')).openHostKey(stateDir);
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
