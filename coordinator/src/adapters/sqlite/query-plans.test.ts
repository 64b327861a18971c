import { type JobId, toLeaseId } from '@argunix/shared/domain/ids';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AT, building, drvPath, MAIN, openStores, queued, sha } from '../../../test/store-fixture.ts';
import type { EvaluationFilter, JobFilter } from '../../ports/views.ts';
import { createBuildHistory } from './build-history.ts';
import { createCheckJobs } from './check-jobs.ts';
import { createCheckStore } from './check-store.ts';
import { createContenderStore } from './contender-store.ts';
import { createDeliveryStore } from './delivery-store.ts';
import { createEvaluationStore } from './evaluation-store.ts';
import { createFailedBuilds } from './failed-builds.ts';
import { createFindLog } from './find-log.ts';
import { createJobDirectory } from './job-directory.ts';
import { createJobStore } from './job-store.ts';
import type { OpenDatabase } from './open-database.ts';
import { createReadings } from './readings.ts';
import { createRepositoryStore } from './repository-store.ts';
import { createReuseStore } from './reuse-store.ts';
import { createViews } from './views.ts';
import type { Write } from './writer.ts';

/** Every statement that went by, with how SQLite will run it. */
interface Watched {
  readonly database: OpenDatabase;
  readonly plans: Map<string, readonly string[]>;
}

let stores: Awaited<ReturnType<typeof openStores>>;
let raw: Database.Database;
beforeAll(async () => {
  stores = await openStores();
  raw = new Database(stores.database.path, { readonly: true });
});
afterAll(async () => {
  raw.close();
  await stores.close();
});

function watch(): Watched {
  const plans = new Map<string, readonly string[]>();
  const note = (sql: string): void => {
    const plan = raw.prepare<unknown[], { detail: string }>(`explain query plan ${sql}`);
    const bindings = Array.from({ length: sql.split('?').length - 1 }, () => null);
    plans.set(
      sql,
      plan.all(...bindings).map(({ detail }) => detail),
    );
  };
  const noteWrite = (write: Write): void => {
    if ('sql' in write) {
      note(write.sql);
    }
  };
  return {
    plans,
    database: {
      ...stores.database,
      all: (query) => {
        note(query.compile().sql);
        return stores.database.all(query);
      },
      first: (query) => {
        note(query.compile().sql);
        return stores.database.first(query);
      },
      write: async (unit) => {
        for (const write of unit) {
          noteWrite(write);
        }
        return await stores.database.write(unit);
      },
    },
  };
}

// Whole tables that stay small, the whole of a partial index, parameters, what lives of one subject, and evaluations and
// build times newest first up to a limit.
const WHOLE =
  /^SCAN (?:repositories|json_each|origins|(?:head|time) VIRTUAL|latest$|build_times USING INDEX build_times_by_age$|\S+ USING (?:COVERING )?INDEX (?:deliveries_pending|leases_active)|evaluations$)/;

function scans({ plans }: Watched): readonly string[] {
  return [...plans].flatMap(([sql, plan]) =>
    plan
      .filter((step) => step.startsWith('SCAN') && !WHOLE.test(step))
      // Partial indexes that hold only what is to be read.
      .filter((step) => !/USING INDEX (?:evaluations_unreported|checks_due)$/.test(step))
      .map((step) => `${step}: ${sql}`),
  );
}
function sorts({ plans }: Watched): readonly string[] {
  return [...plans].flatMap(([sql, plan]) =>
    plan.filter((step) => step.includes('TEMP B-TREE FOR ORDER BY')).map((step) => `${step}: ${sql}`),
  );
}

test('what pages and the API read is found by an index and needs no sorting', async () => {
  const { id, jobIds } = await building(stores, ['a', 'b']);
  const watched = watch();
  const views = createViews(watched.database, {
    externalUrl: '',
    waitingReason: () => null,
  });
  const repository = { forge: 'here', slug: 'demo/sample' };
  const filters: readonly EvaluationFilter[] = [
    { limit: 20 },
    { limit: 20, before: 9 },
    { limit: 20, repository },
    { limit: 20, repository, ref: MAIN },
    { limit: 20, ref: MAIN },
    { limit: 20, statuses: ['building', 'superseded'] },
    { limit: 20, repository, statuses: ['done', 'cancelled'], before: 9 },
    { limit: 20, repository, ref: MAIN, statuses: ['done'] },
  ];
  const jobFilters: readonly JobFilter[] = [
    { evaluationId: id, limit: 20 },
    { evaluationId: id, limit: 20, after: 'a' },
    { evaluationId: id, limit: 20, statuses: ['failure', 'error'] },
    { evaluationId: id, limit: 20, statuses: ['queued'], after: 'a', search: 'b' },
  ];

  views.totals();
  views.repositories();
  views.repository('here', 'demo/sample');
  for (const filter of filters) {
    views.evaluations(filter);
  }
  views.evaluation(id);
  for (const filter of jobFilters) {
    views.jobs(filter);
  }
  views.job(jobIds[0] ?? 0);
  const directory = createJobDirectory(watched.database, { externalUrl: '' });
  directory.repositories();
  directory.jobs(jobIds);
  directory.lease(toLeaseId(1));
  directory.jobsOfLease(toLeaseId(1));
  views.jobByAttribute(id, 'a');
  views.activeJobs(100);
  views.attempts(jobIds[0] ?? 0);
  createFindLog(watched.database)(jobIds[0] ?? 0, 2);
  createReadings(() => watched.database).queue();
  createReadings(() => watched.database).deliveriesPending();

  expect(watched.plans.size).toBeGreaterThan(20);
  expect(scans(watched)).toEqual([]);
  expect(sorts(watched)).toEqual([]);
  // The only list that is read from the newest on without a condition.
  const whole = [...watched.plans].filter(([, plan]) => plan.includes('SCAN evaluations'));
  expect(whole.map(([sql]) => /where (.*?) order/.exec(sql)?.[1] ?? null)).toEqual([null]);
});

test('what flows read and write is found by an index', async () => {
  const watched = watch();
  const evaluations = createEvaluationStore(watched.database);
  const jobs = createJobStore(watched.database);
  const contenders = createContenderStore(watched.database);
  const deliveries = createDeliveryStore(watched.database);
  const checks = createCheckStore(watched.database);
  const checkJobs = createCheckJobs(watched.database);
  const repositories = createRepositoryStore(watched.database);
  const history = createBuildHistory(watched.database);
  const failures = createFailedBuilds(watched.database);
  const reuse = createReuseStore(watched.database);
  const { id, jobIds } = await building({ ...stores, evaluations, jobs, deliveries }, ['c'], 'b');
  const [jobId = 0 as JobId] = jobIds;
  const attempts = [{ jobId, attempt: 1 }];

  evaluations.find(id);
  evaluations.living(['queued', 'building']);
  const delivery = { repositoryId: stores.repository.id, ref: MAIN, sha: sha('a'), isTrusted: true };
  evaluations.newestLike({ ...delivery, kind: 'push', prNumber: null });
  evaluations.newestLike({ ...delivery, kind: 'pull_request', prNumber: 7 });
  contenders.of({ ...delivery, prNumber: null });
  contenders.of({ ...delivery, prNumber: 7 });
  evaluations.queued();
  jobs.find(jobId);
  jobs.unfinished(id, { after: null, limit: 10 });
  const lease = await jobs.lease('/nix/store/x.drv' as never, 'local', attempts, null, AT);
  await jobs.join(attempts, lease ?? (0 as never), AT);
  await jobs.begin(attempts, lease ?? (0 as never), AT);
  await jobs.requeue(attempts, lease ?? (0 as never), 'infrastructure', AT);
  const settlement = { jobId, attempt: 1, status: 'failure', reason: null, causeJobId: null } as const;
  const failedBuild = { drvPath: drvPath('x'), isTrusted: true, reason: '', jobId };
  await jobs.settle([settlement], { id: lease ?? (0 as never), ending: 'failed', failedBuild }, AT);
  const built = { name: 'x', tookMs: 1 };
  await jobs.settle([], { id: lease ?? (0 as never), ending: 'built', built }, AT);
  await jobs.bump([jobId], AT);
  jobs.activeLeases();
  jobs.recentUse(AT);
  history.expectedMs(['x']);
  history.averageMs();
  await history.prune(AT);
  failures.find([drvPath('x')], false, AT);
  failures.find([drvPath('x')], true, AT);
  await failures.forget([drvPath('x')]);
  await failures.prune(AT);
  jobs.hasUnfinished(id);
  await evaluations.finish(id, 'failure', evaluations.counts(id), AT);
  jobs.restartSet(jobId);
  jobs.failed(id);
  await jobs.bump([jobId], AT);
  await jobs.restart(id, [jobId], AT);
  await evaluations.dropQueued(id, null, 'why', AT);
  await evaluations.dropQueued(id, id, 'why', AT);
  await jobs.loseLeases(AT, 'all');
  await jobs.loseLeases(AT, ['local']);
  await jobs.loseLease(lease ?? (0 as never), AT, 'why');
  await evaluations.end(id, 'cancelled', 'why', AT);
  await evaluations.restart(id, AT);
  const failing = await queued({ ...stores, deliveries }, 'c');
  await evaluations.begin(failing, AT);
  await evaluations.requeue(failing, null);
  await evaluations.begin(failing, AT);
  await evaluations.fail(failing, 'why', AT);
  const wanted = { repositoryId: stores.repository.id, isTrusted: true };
  reuse.find('commit', 'key', wanted);
  reuse.find('tree', 'key', wanted);
  reuse.jobs(id, { after: 'a', limit: 10 });
  await reuse.takeOver(failing, { from: id, keys: { commit: 'key', tree: null }, cached: [jobId] }, AT);
  deliveries.pending();
  await deliveries.recordHeads(stores.repository.id, {
    gone: [MAIN],
    pushed: [{ ref: MAIN, sha: sha('d') }],
    at: AT,
  });
  const noticed = { repositoryId: stores.repository.id, origin: 'hook', uid: 'x', receivedAt: AT } as const;
  await deliveries.receiveOnce({ ...noticed, kind: 'closed', prNumber: 7 });
  await deliveries.settle({ ...noticed, id: 98 as never, kind: 'closed', prNumber: 7 }, 'why', AT);
  await deliveries.settle({ ...noticed, id: 99 as never, kind: 'deleted', ref: MAIN }, 'why', AT);
  evaluations.unreported();
  evaluations.ofRevision(stores.repository.id, sha('a'));
  for (const one of evaluations.living(['building'])) {
    evaluations.isNewestOfSubject(one);
  }
  await evaluations.approve(id, 'somebody');
  await evaluations.hold(id, 'approval', 'why', null);
  await evaluations.setBuilt(id, { sha: sha('e'), ref: 'refs/pull/7/merge' as never });
  checks.of(stores.repository.id, sha('a'));
  checks.due('here', AT, 10);
  checks.findDue(1, AT);
  checks.nextDueAt('here', AT);
  checks.backlog();
  await checks.posted(1, 1, null, AT);
  await checks.postpone(1, 1, { until: AT, trouble: 'why', refusals: 1 });
  await checks.abandon(1, 1, 'why');
  checkJobs.all(id, 10);
  checkJobs.bad(id, 10);
  repositories.requests(stores.repository.id);
  repositories.facts(stores.repository.id);
  repositories.all();
  repositories.heads(stores.repository.id);
  await repositories.recordLook(stores.repository.id, { at: AT, trouble: null });

  expect(watched.plans.size).toBeGreaterThan(50);
  expect(scans(watched)).toEqual([]);
});

test('a deletion finds whatever refers to the row by an index', () => {
  raw.pragma('foreign_keys = ON');
  const plans = ['repositories', 'evaluations', 'jobs', 'leases'].flatMap((table) =>
    raw
      .prepare<[], { detail: string }>(`explain query plan delete from ${table} where id = 1`)
      .all()
      .map(({ detail }) => `${table}: ${detail}`),
  );

  expect(plans.length).toBeGreaterThan(10);
  expect(plans.filter((step) => step.includes('SCAN'))).toEqual([]);
});
