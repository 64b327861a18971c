/** One evaluation of a person's own flake, through the same engine as the daemon's, in a state directory that goes away. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { parseGitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId, LeaseId } from '@argunix/shared/domain/ids';
import { parseRepositorySlug } from '@argunix/shared/domain/repository-slug';
import { NO_SHA } from '@argunix/shared/domain/sha';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { readNixConfiguration } from '@argunix/shared/nix/nix-configuration';
import { nixSurroundings } from '@argunix/shared/nix/nix-surroundings';
import { createReferenceSource } from '../adapters/reference/reference-source.ts';
import { createDeliveryStore } from '../adapters/sqlite/delivery-store.ts';
import { createFindLog } from '../adapters/sqlite/find-log.ts';
import { createRepositoryStore } from '../adapters/sqlite/repository-store.ts';
import { createViews } from '../adapters/sqlite/views.ts';
import { cancelEvaluation } from '../flows/cancel-evaluation.ts';
import type { Change } from '../ports/changes.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { EvaluationSettings } from '../ports/settings.ts';
import type { Views } from '../ports/views.ts';
import { composeEngine } from './engine.ts';
import type { EngineSettings } from './live-settings.ts';

export interface OwnRunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly reference: string;
  readonly settings: Omit<EvaluationSettings, 'source' | 'weight' | 'reuseSameTree'>;
  /** Called after every change, with what there is to see. */
  readonly onChange: (seen: OwnRun) => void;
  readonly signal: AbortSignal;
}

export interface OwnRun {
  readonly evaluation: EvaluationView;
  readonly warnings: readonly string[];
  /** Those that may have changed since the last call. */
  readonly changed: readonly JobView[];
}

export interface EndedRun {
  readonly evaluation: EvaluationView;
  readonly jobs: readonly JobView[];
  /** The last lines of a job's log. */
  tail(jobId: number, count: number): Promise<readonly string[]>;
}

const OWN_REF = parseGitRef('refs/heads/own');
const OWN_SLUG = parseRepositorySlug('own/flake');
const NO_METRICS: Metrics = {
  webhookReceived() {},
  forgeAsked() {},
  evaluationEnded() {},
  jobEnded() {},
  buildEnded() {},
  closureCarried() {},
  dispatchDecided() {},
};
const PAGE = 500;

/** Calls `report` with the ended evaluation while its logs are still there. */
export async function runOwnFlake<Result>(
  options: OwnRunOptions,
  report: (ended: EndedRun) => Promise<Result>,
): Promise<Result> {
  if (OWN_REF === undefined || OWN_SLUG.kind === 'refused') {
    throw new Error('the names of an own run are refused by their parsers');
  }
  const stateDir = await mkdtemp(join(tmpdir(), 'argunix-run-'));
  let settings: EvaluationSettings | undefined;
  const engineSettings = settingsFor(options.settings.memoryBytes);
  const engine = await composeEngine({
    stateDir,
    env: options.env,
    nix: await readNixConfiguration(nixSurroundings(options.env).env),
    log: silentLogger,
    metrics: NO_METRICS,
    localBuilders: [{ name: 'local' }],
    enrollment: null,
    isExpectedOffline: () => false,
    current: () => engineSettings,
    confinement: 'none',
    preferredEvaluator: null,
    forgeOf: () => undefined,
    settingsOf: () => settings,
    createCheckout: () => createReferenceSource(options.reference),
  });
  try {
    const now = systemClock.now();
    const repository = await createRepositoryStore(engine.database).ensure(
      { forge: 'here', slug: OWN_SLUG.slug, kind: 'git' },
      now,
    );
    settings = {
      ...options.settings,
      weight: 1,
      reuseSameTree: false,
      source: { repositoryId: repository.id, url: options.reference, credential: null, fetchable: [] },
    };
    const deliveries = createDeliveryStore(engine.database);
    const delivery = {
      repositoryId: repository.id,
      kind: 'manual',
      origin: 'person',
      uid: null,
      people: null,
      before: null,
      prNumber: null,
      ref: OWN_REF,
      // A flake reference need not be a commit; what has no revision says so.
      sha: NO_SHA,
      isTrusted: true,
      receivedAt: now,
    } as const;
    const id = await deliveries.accept({ ...delivery, id: await deliveries.receive(delivery) }, now);
    if (id === undefined) {
      throw new Error('the evaluation was not made');
    }
    const views = createViews(engine.database, {
      externalUrl: '',
      waitingReason: () => null,
    });
    const stop = (): void =>
      void cancelEvaluation({ ...engine, clock: systemClock }, id, 'It was interrupted.');
    options.signal.addEventListener('abort', stop, { once: true });
    const ended = followToEnd(engine.changes, views, id, engine.warnings, options.onChange);
    await engine.start();
    const evaluation = await ended;
    return await report({
      evaluation,
      jobs: allJobs(views, id),
      tail: tailOf(engine.logs, createFindLog(engine.database)),
    });
  } finally {
    await engine.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
}

function settingsFor(memoryBytes: number): EngineSettings {
  return {
    // It is the person's own flake.
    allowUnsandboxedUntrusted: true,
    schedule: {
      evaluationConcurrency: 1,
      evaluationBudgetBytes: memoryBytes,
      buildTimeoutMs: 18_000_000,
      maxSilentMs: 3_600_000,
      maxLogBytes: 1024 ** 3,
      infrastructureRetries: 1,
      infrastructureRetryMs: 5_000,
      failureCacheMs: 0,
      builderWaitMs: 0,
      emulationSpillGraceMs: 0,
    },
  };
}

function followToEnd(
  changes: { listen(listener: (change: Change) => void): () => void },
  views: Views,
  id: EvaluationId,
  warnings: readonly string[],
  onChange: (seen: OwnRun) => void,
): Promise<EvaluationView> {
  const { promise, resolve } = Promise.withResolvers<EvaluationView>();
  const stopListening = changes.listen((change) => {
    const evaluation = views.evaluation(id);
    if (evaluation === undefined) {
      return;
    }
    onChange({ evaluation, warnings, changed: changedJobs(change, views, id) });
    if (evaluation.finished_at !== null) {
      stopListening();
      resolve(evaluation);
    }
  });
  return promise;
}

/** Attributes that do not evaluate end as they are found, which is told as a change of the evaluation. */
function changedJobs(change: Change, views: Views, evaluationId: number): readonly JobView[] {
  return change.kind === 'jobs'
    ? change.jobIds.flatMap((id) => views.job(id) ?? [])
    : views.jobs({ evaluationId, statuses: ['failure'], limit: PAGE });
}

function allJobs(views: Views, evaluationId: number): readonly JobView[] {
  const jobs: JobView[] = [];
  for (let after: string | undefined; ; ) {
    const page = views.jobs({ evaluationId, limit: PAGE, ...(after === undefined ? {} : { after }) });
    jobs.push(...page);
    after = page.at(-1)?.attr;
    if (page.length < PAGE) {
      return jobs;
    }
  }
}

function tailOf(logs: LogStore, findLog: ReturnType<typeof createFindLog>): EndedRun['tail'] {
  return async (jobId, count) => {
    const leaseId: LeaseId | undefined = findLog(jobId, null)?.leaseId;
    const lines: string[] = [];
    if (leaseId !== undefined) {
      for await (const some of logs.read(leaseId, Math.max(0, (await logs.lineCount(leaseId)) - count))) {
        lines.push(...some.map(({ text }) => text));
      }
    }
    return lines.slice(-count);
  };
}
