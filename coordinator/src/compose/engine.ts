/** The part that turns revisions into built jobs, the same for `serve` and `run`: queue, evaluator, dispatcher, store. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import { systemClock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { createDerivationReader } from '@argunix/shared/nix/derivation-reader';
import type { NixConfiguration } from '@argunix/shared/nix/nix-configuration';
import { nixSurroundings } from '@argunix/shared/nix/nix-surroundings';
import { createGcRoots } from '@argunix/shared/nix/roots/gc-roots';
import { createChangesHub } from '../adapters/changes/changes-hub.ts';
import { createFileLogStore } from '../adapters/logs/file-log-store.ts';
import { createBuildPlan } from '../adapters/nix/build-plan.ts';
import { createLocalFleet, type LocalFleetOptions } from '../adapters/nix/local-fleet.ts';
import { createStoreReader } from '../adapters/nix/store-reader.ts';
import { createConfinement } from '../adapters/nix-eval/confinement/confinement.ts';
import { createEvaluator } from '../adapters/nix-eval/create-evaluator.ts';
import { createUnconfinedSpaces } from '../adapters/nix-eval/evaluation-space.ts';
import { createBuildHistory } from '../adapters/sqlite/build-history.ts';
import { createEvaluationStore } from '../adapters/sqlite/evaluation-store.ts';
import { createFailedBuilds } from '../adapters/sqlite/failed-builds.ts';
import { createJobStore } from '../adapters/sqlite/job-store.ts';
import { type OpenDatabase, openDatabase } from '../adapters/sqlite/open-database.ts';
import { createRepositoryStore } from '../adapters/sqlite/repository-store.ts';
import { createReuseStore } from '../adapters/sqlite/reuse-store.ts';
import { createDispatcher, type Dispatcher } from '../flows/dispatch-steps.ts';
import { createEvaluationQueue, type EvaluationQueue } from '../flows/evaluation-queue.ts';
import { forgetOldBuilds } from '../flows/forget-old-builds.ts';
import { joinFleets } from '../flows/join-fleets.ts';
import { recover } from '../flows/recover.ts';
import type { MergePorts } from '../flows/resolve-merge.ts';
import type { BuilderFleet } from '../ports/builder-fleet.ts';
import type { Changes } from '../ports/changes.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { Evaluator } from '../ports/evaluator.ts';
import type { GcRoots } from '../ports/gc-roots.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { LiveTail, LogStore } from '../ports/log-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { SettingsOf } from '../ports/settings.ts';
import type { SourceCheckout } from '../ports/source-checkout.ts';
import type { StoreReader } from '../ports/store-reader.ts';
import { type Builders, composeBuilders, type EnrollmentOptions } from './builders.ts';
import { createLiveSettings, type EngineSettings } from './live-settings.ts';

export interface EngineOptions {
  readonly stateDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly nix: NixConfiguration;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Null: whichever is installed. */
  readonly preferredEvaluator: Evaluator['name'] | null;
  /** None: this host evaluates and does not build. */
  readonly localBuilders: LocalFleetOptions['builders'];
  /** Null: nobody dials in. */
  readonly enrollment: EnrollmentOptions | null;
  readonly isExpectedOffline: (builder: string) => boolean;
  /** Asked whenever something of it is needed: it may change at any time. */
  readonly current: () => EngineSettings;
  /** `none` is for a person's own flake: with their credentials and files, as Nix itself would evaluate it. */
  readonly confinement: 'required' | 'none';
  readonly settingsOf: SettingsOf;
  /** Where the repository is; undefined where it has no forge. */
  readonly forgeOf: MergePorts['forgeOf'];
  readonly createCheckout: (database: OpenDatabase) => SourceCheckout;
}

export interface Engine {
  readonly database: OpenDatabase;
  readonly evaluations: EvaluationStore;
  readonly jobs: JobStore;
  readonly logs: LogStore & LiveTail;
  readonly roots: GcRoots;
  readonly store: StoreReader;
  readonly checkout: SourceCheckout;
  readonly changes: Changes;
  readonly fleet: BuilderFleet;
  /** Null: nobody dials in. */
  readonly builders: Builders | null;
  readonly queue: EvaluationQueue;
  readonly dispatcher: Dispatcher;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Sentences about what this host lacks. */
  readonly warnings: readonly string[];
  /** Takes up what the last run left, then whatever is queued. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function composeEngine(options: EngineOptions): Promise<Engine> {
  const { stateDir, log } = options;
  makeStateDir(stateDir);
  const { env, warnings } = nixSurroundings(options.env);
  // The database waits for a thread and the evaluator for processes: at the same time, once nobody else is at work here.
  const evaluating = Promise.withResolvers<OpenEvaluator>();
  evaluating.promise.catch(() => undefined);
  const database = await openDatabase(stateDir, systemClock.now(), {
    onLocked: () => evaluating.resolve(openEngineEvaluator(options, env)),
  });
  try {
    const evaluator = await evaluating.promise;
    return composeWith(database, options, {
      ...{ env, evaluator },
      warnings: [...evaluator.warnings, ...warnings],
    });
  } catch (error) {
    await database.close();
    log.debug({ stateDir }, 'closed the database after a start that failed');
    throw error;
  }
}

export function makeStateDir(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new AppError(
      'state-dir.unwritable',
      `state_dir: expected a directory that can be written, got ${messageOf(error)}`,
      { stateDir },
      error,
    );
  }
}

async function openEngineEvaluator(
  { stateDir, nix, log, confinement, preferredEvaluator }: EngineOptions,
  env: Readonly<Record<string, string>>,
): Promise<OpenEvaluator> {
  return await openEvaluator({
    dir: join(stateDir, 'evaluations'),
    env,
    log,
    confinement: confinement === 'none' ? 'none' : { settings: nix },
    prefer: preferredEvaluator,
  });
}

interface NixOfHost {
  readonly env: Readonly<Record<string, string>>;
  readonly evaluator: OpenEvaluator;
  readonly warnings: readonly string[];
}

function composeWith(
  database: OpenDatabase,
  options: EngineOptions,
  { env, evaluator: opened, warnings }: NixOfHost,
): Engine {
  const { stateDir, log } = options;
  const settings = createLiveSettings(options.current, options.settingsOf);
  const clock = systemClock;
  const changes = createChangesHub((error) => log.error({ err: error }, 'a listener of changes met a bug'));
  const evaluations = createEvaluationStore(database);
  const jobs = createJobStore(database);
  const logs = createFileLogStore({ dir: join(stateDir, 'logs'), logger: log });
  const roots = createGcRoots({ dir: join(stateDir, 'gcroots') });
  const derivations = createDerivationReader();
  const store = createStoreReader({ env, derivations });
  const checkout = options.createCheckout(database);
  const localFleet = createLocalFleet({
    configuration: options.nix,
    env,
    derivations,
    builders: options.localBuilders,
    isExpectedOffline: options.isExpectedOffline,
  });
  const builders =
    options.enrollment === null
      ? null
      : composeBuilders({
          ...options.enrollment,
          database,
          env,
          derivations,
          clock,
          log,
          patience: settings.patience,
          ownBuilders: localFleet.present.map(({ name }) => name),
          isExpectedOffline: options.isExpectedOffline,
          lineCount: (leaseId) => logs.lineCount(leaseId),
          changed: () => changes.tell({ kind: 'queue' }),
        });
  const fleet = builders === null ? localFleet : joinFleets(localFleet, builders.fleet);
  const shared = {
    evaluations,
    jobs,
    roots,
    store,
    changes,
    clock,
    log,
    logs,
    checkout,
    metrics: options.metrics,
  };
  const remembered = { failedBuilds: createFailedBuilds(database), history: createBuildHistory(database) };
  const stopping = new AbortController();
  let forgetting: Promise<void> | undefined;
  const dispatcher = createDispatcher({
    ...shared,
    ...remembered,
    get retries() {
      return settings.retries;
    },
    get retryMs() {
      return settings.patience.retryMs;
    },
    get failureCacheMs() {
      return settings.failureCacheMs;
    },
    fleet,
    repositories: createRepositoryStore(database),
    buildPlan: createBuildPlan({ env }),
    derivations,
    settings: settings.dispatch,
    limits: settings.limits,
  });
  const queue = createEvaluationQueue({
    ...shared,
    get retries() {
      return settings.retries;
    },
    get retryMs() {
      return settings.patience.retryMs;
    },
    evaluator: opened.evaluator,
    reuse: createReuseStore(database),
    nixVersion: options.nix.version.text,
    room: settings.room,
    settingsOf: options.settingsOf,
    forgeOf: options.forgeOf,
    onBuilding: (id) => dispatcher.takeOver(id),
  });
  return {
    ...shared,
    database,
    fleet,
    builders,
    queue,
    dispatcher,
    warnings: [...warnings, ...localFleet.warnings],
    start: async () => {
      await recover({
        ...shared,
        dispatcher,
        settingsOf: options.settingsOf,
        ownBuilders: localFleet.present.map(({ name }) => name),
      });
      await builders?.start();
      queue.wake();
      forgetting = forgetOldBuilds(
        {
          ...shared,
          ...remembered,
          get failureCacheMs() {
            return settings.failureCacheMs;
          },
        },
        stopping.signal,
      );
    },
    stop: async () => {
      stopping.abort();
      await Promise.all([queue.stop(), dispatcher.stop(), forgetting]);
      await builders?.stop();
      await store.close();
      await opened.close();
      await database.close();
    },
  };
}

export interface EvaluatorOptions {
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  readonly confinement: { readonly settings: NixConfiguration } | 'none';
  readonly prefer: Evaluator['name'] | null;
}

export interface OpenEvaluator {
  readonly evaluator: Evaluator;
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

export async function openEvaluator({
  dir,
  env,
  log,
  confinement,
  prefer: wanted,
}: EvaluatorOptions): Promise<OpenEvaluator> {
  const prefer = wanted ?? undefined;
  if (confinement === 'none') {
    const evaluator = await createEvaluator({ spaces: createUnconfinedSpaces(env), env, prefer });
    return { evaluator, warnings: [], close: () => Promise.resolve() };
  }
  // Both ask programs, at the same time.
  const asked = createConfinement({ dir, env, settings: confinement.settings, logger: log });
  const spaces = asked.then((verdict) =>
    verdict.kind === 'confined' ? verdict.confinement : { missing: verdict.reason },
  );
  const evaluator = await createEvaluator({ spaces, env, prefer });
  const verdict = await asked;
  return verdict.kind === 'confined'
    ? { evaluator, warnings: [], close: () => verdict.confinement.close() }
    : { evaluator, warnings: [verdict.reason], close: () => Promise.resolve() };
}
