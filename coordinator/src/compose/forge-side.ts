/**
 * Everything between the coordinator and its forges: deliveries that come in, hooks that are kept, people that are asked
 * about, checks that are told. The engine knows none of it.
 */

import { evaluationPath, jobPath } from '@argunix/shared/control-api/paths';
import { type GitRef, parseGitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { writeCheckHandle } from '../adapters/forge/check-handle.ts';
import { newHookId, openHookSecrets } from '../adapters/forge/hook-secrets.ts';
import { createCheckJobs } from '../adapters/sqlite/check-jobs.ts';
import { createCheckStore } from '../adapters/sqlite/check-store.ts';
import { createDeliveryStore } from '../adapters/sqlite/delivery-store.ts';
import { createHookStore } from '../adapters/sqlite/hook-store.ts';
import type { OpenDatabase } from '../adapters/sqlite/open-database.ts';
import { createRepositoryStore } from '../adapters/sqlite/repository-store.ts';
import type { Configuration, ForgeRepositorySettings } from '../config/configuration.ts';
import { isUnreached } from '../domain/unreached-ref.ts';
import type { HookAdministration } from '../flows/administer-hooks.ts';
import type { ForgeHealth } from '../flows/forge-health.ts';
import type { Wishes } from '../flows/handle-deliveries.ts';
import { createRequestJudge, type RequestGate } from '../flows/judge-requests.ts';
import { keepTrying } from '../flows/keep-trying.ts';
import { createCheckReporter } from '../flows/report-checks.ts';
import { summarize } from '../flows/summarize-check.ts';
import { type Tended, type TendPorts, tendRepository } from '../flows/tend-repository.ts';
import type { Changes } from '../ports/changes.ts';
import type { CheckStore, DueCheck } from '../ports/check-store.ts';
import type { DeliveryDoor } from '../ports/delivery-door.ts';
import type { Evaluation, EvaluationStore } from '../ports/evaluation-store.ts';
import type { Forge } from '../ports/forge.ts';
import type { ForgeAdministration } from '../ports/forge-administration.ts';
import type { JobLogs } from '../ports/job-logs.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Repository } from '../ports/repository-store.ts';
import { createApprovals } from './approvals.ts';
import { createForgeAdministration } from './forge-administration.ts';
import { createForgeDoor } from './forge-door.ts';
import { type ComposedForge, createForges, type Forges } from './forges.ts';
import { createHookKeeping } from './hook-keeping.ts';
import { createHookRegistry, type HookRegistry } from './hook-registry.ts';

export interface ForgeSideOptions {
  readonly stateDir: string;
  readonly database: OpenDatabase;
  readonly evaluations: EvaluationStore;
  readonly changes: Changes;
  readonly logs: JobLogs;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'forgeAsked'>;
  readonly current: () => Configuration;
  readonly retryMs: () => number;
  wishesOf(id: RepositoryId): Wishes | undefined;
  /** Something stands in the inbox. */
  onStored(): void;
  /** An evaluation may go on. */
  onQueued(): void;
  /** What strangers may see changed. */
  onFacts(): void;
  /** As its forge last said; null where it did not yet. Asked for with every delivery. */
  isPrivate(id: RepositoryId): boolean | null;
  /** Looks at the repository now. */
  poke(id: RepositoryId): void;
  cancel(id: EvaluationId, reason: string): Promise<unknown>;
}

export interface ForgeOfRepository {
  readonly forge: Forge;
  readonly health: ForgeHealth;
  readonly slug: RepositorySlug;
}

export interface ForgeSide {
  readonly door: DeliveryDoor;
  readonly forges: Forges;
  readonly hooks: HookRegistry;
  readonly hookAdministration: HookAdministration;
  readonly forgeAdministration: ForgeAdministration;
  /** Opens, closes and refreshes them as the configuration says now. */
  openForges(): Promise<void>;
  /** Hooks for what the configuration has, none for what left it. */
  keepHooks(): Promise<void>;
  /** Reports and judges from now on. */
  start(): void;
  /** There may be requests to be asked about. */
  judgeRequests(): void;
  /** What is asked before each look at a repository. */
  tend(repository: Repository, settings: ForgeRepositorySettings, signal: AbortSignal): Promise<Tended>;
  forgeOf(id: RepositoryId): ForgeOfRepository | undefined;
  /** Asks whether this login may, and approves; in the background. */
  approveBy(evaluation: Evaluation, login: string): void;
  warnings(): readonly string[];
  readonly checks: CheckStore;
  ended(): Promise<void>;
}

export async function composeForgeSide(options: ForgeSideOptions, stopping: AbortSignal): Promise<ForgeSide> {
  const { stateDir, database, evaluations, changes, clock, log, current } = options;
  const repositories = createRepositoryStore(database);
  const deliveries = createDeliveryStore(database);
  const checks = createCheckStore(database);
  const checkJobs = createCheckJobs(database);
  const hookStore = createHookStore(database);
  const secrets = await openHookSecrets(stateDir);
  if (secrets.isNew) {
    // What forges have does not fit any more; a crash must not make us forget that.
    for (const { id } of hookStore.all()) {
      await hookStore.rotate(id);
    }
  }
  const hooks = createHookRegistry({ store: hookStore, newId: newHookId, clock, log });
  /** Every repository there is, also those that left the configuration: their last checks are still to be told. */
  let rows = readRows();
  let isStarted = false;
  /** Asked for with every delivery. */
  let bySlug: ReadonlyMap<string, RepositoryId> = new Map();
  const firstLooks: TendPorts['firstLooks'] = new Map();
  function readRows(): ReadonlyMap<RepositoryId, Repository> {
    return new Map(repositories.all().map((row) => [row.id, row]));
  }
  const patience = {
    clock,
    log,
    get retryMs() {
      return options.retryMs();
    },
  };
  const forges = createForges(
    {
      clock,
      log,
      isDryRun: current().isDryRun,
      retryMs: options.retryMs,
      asked: (forge, outcome) => options.metrics.forgeAsked(forge, outcome),
      onHealth: () => {
        changes.tell({ kind: 'queue' });
        options.onQueued();
      },
      posting: {
        checks,
        slugOf: (id) => rows.get(id)?.slug,
        summaryOf: (check) => summarize({ evaluations, checkJobs, logs: options.logs }, check),
        refOf,
        externalIdOf: (check: DueCheck) =>
          writeCheckHandle({ evaluationId: check.evaluationId ?? 0, jobId: check.jobId }),
      },
    },
    stopping,
  );

  function composedOf(
    id: RepositoryId,
  ): { readonly composed: ComposedForge; readonly row: Repository } | undefined {
    const row = rows.get(id);
    const composed = row === undefined ? undefined : forges.get(row.forge);
    return row === undefined || composed === undefined ? undefined : { composed, row };
  }
  function settingsOf({ forge, slug }: Repository): ForgeRepositorySettings | undefined {
    return forges.get(forge)?.settings.repositories.find((one) => one.slug === slug);
  }

  const reporter = createCheckReporter(
    {
      ...patience,
      evaluations,
      checks,
      checkJobs,
      changes,
      reported: (id) => {
        const found = composedOf(id);
        if (found === undefined) {
          return undefined;
        }
        const { externalUrl } = current();
        const { row } = found;
        return {
          forge: row.forge,
          // One that left the configuration is told of what has a line already, and of its evaluations.
          collapsedCheckThreshold: settingsOf(row)?.collapsedCheckThreshold ?? 0,
          evaluationUrl: (evaluationId) => `${externalUrl}${evaluationPath(row, evaluationId)}`,
          jobUrl: (evaluationId, attr) => `${externalUrl}${jobPath(row, evaluationId, attr)}`,
        };
      },
      onNews: (forge) => forges.get(forge)?.poster.wake(),
    },
    stopping,
  );
  const judge = createRequestJudge(
    {
      ...patience,
      evaluations,
      changes,
      gateOf: (id): RequestGate | undefined => {
        const found = composedOf(id);
        const settings = found === undefined ? undefined : settingsOf(found.row);
        return found === undefined || settings === undefined
          ? undefined
          : {
              forge: found.composed.forge,
              health: found.composed.health,
              slug: found.row.slug,
              allowlist: settings.requestAllowlist,
            };
      },
      onQueued: options.onQueued,
    },
    stopping,
  );
  const door = createForgeDoor({
    ...options,
    deliveries,
    secrets,
    hooks,
    forges,
    repositoryOf: (forge, slug) => bySlug.get(slugKey(forge, slug)),
    tendAppHook: (composed) => {
      if (!current().isDryRun) {
        inBackground('set the hook of a GitHub App anew', () => keeping.tendApp(composed, stopping));
      }
    },
    onInstallations: (forge) => {
      // A permission that was accepted holds for tokens that are made from now on.
      inBackground('look at the installations again', tendOthers);
      for (const { id } of [...rows.values()].filter((row) => row.forge === forge)) {
        options.poke(id);
      }
    },
  });

  function refOf({ evaluationId, repositoryId }: DueCheck): GitRef | null {
    const evaluation = evaluationId === null ? undefined : evaluations.find(evaluationId);
    if (evaluation === undefined || evaluation.prNumber === null) {
      return evaluation === undefined || isUnreached(evaluation.ref) ? null : evaluation.ref;
    }
    const headRef = composedOf(repositoryId)?.composed.forge.headRef(evaluation.prNumber);
    return headRef === undefined ? null : (parseGitRef(headRef) ?? null);
  }

  const keeping = createHookKeeping(
    {
      forges,
      hooks,
      store: hookStore,
      secrets,
      clock,
      log,
      current,
      rows: () => rows,
      isConfigured: (row) => settingsOf(row) !== undefined,
    },
    stopping,
  );

  function inBackground(what: string, work: () => Promise<unknown>): void {
    void work().catch((error: unknown) => {
      if (!stopping.aborted) {
        log.error({ err: error, what }, 'something in the background failed');
      }
    });
  }

  /** The hooks of Apps, and those of repositories that left: what no look at a repository looks after. */
  async function tendOthers(): Promise<void> {
    if (!current().isDryRun) {
      await Promise.all(forges.all().map((composed) => keeping.tendApp(composed, stopping)));
      await keeping.removeDeparted(stopping);
    }
  }

  async function tendOthersAgain(): Promise<void> {
    while (!stopping.aborted) {
      await clock.sleep(current().schedule.catchUpMs, stopping);
      await keepTrying(patience, 'look after hooks', stopping, tendOthers);
    }
  }

  const approvals = createApprovals(
    {
      ...options,
      patience,
      forgeOf: (id) => composedOf(id)?.composed.forge,
      slugOf: (id) => rows.get(id)?.slug,
    },
    stopping,
  );

  return {
    door: door.take,
    checks,
    forges,
    hooks,
    hookAdministration: keeping.administration,
    forgeAdministration: createForgeAdministration({ forges, checks, current }),
    openForges: async () => {
      await forges.follow(current().forges.filter((forge) => forge.kind !== 'git'));
      for (const { poster } of forges.all()) {
        poster.wake();
      }
      if (isStarted) {
        // While a forge was opened anew, nobody could be told or asked.
        reporter.takeUp();
        judge.wake();
      }
    },
    keepHooks: async () => {
      rows = readRows();
      bySlug = indexSlugs(forges.all(), rows);
      const withOwnHook = [...bySlug.values()].flatMap((id) => {
        const row = rows.get(id);
        return row === undefined || forges.get(row.forge)?.appHook !== null ? [] : [row];
      });
      // Together: each that is new waits for the disk.
      await Promise.all(withOwnHook.map(({ forge, id }) => hooks.ensure(forge, id)));
      inBackground('look after hooks that no repository has', tendOthers);
    },
    start: () => {
      isStarted = true;
      reporter.start();
      judge.wake();
      inBackground('cancel what nobody approves', approvals.expire);
      inBackground('look after hooks again', tendOthersAgain);
    },
    judgeRequests: () => judge.wake(),
    tend: async (repository, settings, signal) => {
      const composed = forges.get(repository.forge);
      if (composed === undefined) {
        return { stored: 0, troubles: [] };
      }
      const kept = (): ReturnType<HookRegistry['of']> => hooks.of(repository.id);
      if (composed.appHook === null) {
        // It may have been on its way out when its repository came back into the configuration.
        await hooks.ensure(repository.forge, repository.id);
      }
      // Its hook may be checked or repaired by hand at the same time.
      const tended = await keeping.hold(kept()?.id ?? `repository ${repository.id}`, () =>
        tendRepository(
          {
            forge: composed.forge,
            hooks: composed.hooks,
            store: hookStore,
            secrets,
            repositories,
            deliveries,
            clock,
            log,
            externalUrl: current().externalUrl,
            firstLooks,
            onFacts: options.onFacts,
          },
          {
            repository,
            slug: settings.slug,
            buildsRequests: settings.buildsRequests,
            hook: () => (current().isDryRun || composed.appHook !== null ? null : (kept() ?? null)),
            isHookInDoubt: () => {
              const hook = kept();
              return hook !== undefined && hooks.isInDoubt(hook);
            },
          },
          signal,
        ),
      );
      hooks.reload();
      return tended;
    },
    forgeOf: (id) => {
      const found = composedOf(id);
      return found === undefined
        ? undefined
        : { forge: found.composed.forge, slug: found.row.slug, health: found.composed.health };
    },
    approveBy: (evaluation, login) => {
      inBackground('judge an approval', () => approvals.approveBy(evaluation, login));
    },
    warnings: () => forges.all().flatMap(warningOf),
    ended: async () => {
      await Promise.all([reporter.ended(), judge.ended()]);
      await forges.ended();
      await door.close();
    },
  };
}

function warningOf({ settings: { name }, health: { pause } }: ComposedForge): readonly string[] {
  return pause === undefined
    ? []
    : [
        // Without the reason: it names what was asked for, which may be a private repository.
        `${name} refuses our credential since ${new Date(pause.since).toISOString()}: argunixctl forges list says why. Nothing is lost: what it is to be told waits. Put a working token in place; it is tried again by itself, or now by argunixctl forges resume ${name}.`,
      ];
}

/** The repositories of the configuration; forges write a slug in any letter case. */
function indexSlugs(
  forges: readonly ComposedForge[],
  rows: ReadonlyMap<RepositoryId, Repository>,
): ReadonlyMap<string, RepositoryId> {
  const ids = new Map([...rows.values()].map(({ forge, slug, id }) => [`${forge} ${slug}`, id]));
  return new Map(
    forges.flatMap(({ settings: { name, repositories } }) =>
      repositories.flatMap(({ slug }): (readonly [string, RepositoryId])[] => {
        const id = ids.get(`${name} ${slug}`);
        return id === undefined ? [] : [[slugKey(name, slug), id]];
      }),
    ),
  );
}

function slugKey(forge: string, slug: string): string {
  return `${forge} ${slug.toLowerCase()}`;
}
