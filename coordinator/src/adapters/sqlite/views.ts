import type {
  EarlierFailure,
  EvaluationView,
  JobView,
  RepositoryView,
} from '@argunix/shared/control-api/views';
import type { EvaluationStatus } from '@argunix/shared/domain/evaluation-status';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { JOB_STATUSES, type JobStatus } from '@argunix/shared/domain/job-status';
import type { Selectable } from 'kysely';
import type { StatusCounts } from '../../ports/evaluation-store.ts';
import type { EvaluationFilter, JobFilter, Views } from '../../ports/views.ts';
import { parseCounts, parseOutputs } from './columns.ts';
import { type DescribeRepository, describeNothing, evaluationLinks, hookCondition } from './described.ts';
import { countsOf } from './evaluation-store.ts';
import { isLivingJob } from './living.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import type { Tables } from './tables.ts';
import { evaluationUrl, jobUrl, repositoryUrl, toTime, toTimeOrNull } from './view-fields.ts';

type Owned<Row> = Row & { readonly forge: string; readonly slug: string };
type EvaluationRow = Owned<Selectable<Tables['evaluations']>>;
type JobRow = Owned<Selectable<Tables['jobs']>> & {
  readonly is_trusted: number;
  readonly lease_drv_path: string | null;
  readonly push_ms: number | null;
  readonly pull_ms: number | null;
  readonly pushed_bytes: number | null;
  readonly pulled_bytes: number | null;
};

const NONE = Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as StatusCounts;

export function createViews(
  database: Reader,
  options: {
    readonly externalUrl: string;
    readonly describe?: DescribeRepository;
    /** Why this queued job does not run, where that is known better than its row says. */
    readonly waitingReason: (jobId: number) => string | null;
    /** The same of an evaluation that is queued. */
    readonly waitingEvaluation?: (evaluationId: number) => string | undefined;
    /** How long a failure stands for later ones; 0, as without it: it does not. */
    readonly failureCacheMs?: number;
  },
): Views {
  const { describe = describeNothing } = options;
  const evaluations = sqlite
    .selectFrom('evaluations')
    .innerJoin('repositories', 'repositories.id', 'evaluations.repository_id')
    .selectAll('evaluations')
    .select(['forge', 'slug']);
  const jobs = sqlite
    .selectFrom('jobs')
    .innerJoin('evaluations', 'evaluations.id', 'jobs.evaluation_id')
    .innerJoin('repositories', 'repositories.id', 'evaluations.repository_id')
    .leftJoin('leases', 'leases.id', 'jobs.lease_id')
    .selectAll('jobs')
    .select(['forge', 'slug', 'is_trusted', 'leases.drv_path as lease_drv_path'])
    .select(['push_ms', 'pull_ms', 'pushed_bytes', 'pulled_bytes']);

  function toEvaluationView(row: EvaluationRow): EvaluationView {
    const counts = row.counts === null ? countsOf(database, row.id) : parseCounts(row.counts, NONE);
    return {
      id: row.id,
      repo: { forge: row.forge, slug: row.slug },
      trigger: row.trigger,
      ref: row.ref,
      pr_number: row.pr_number,
      sha: row.sha,
      built_sha: row.built_sha,
      trusted: row.is_trusted === 1,
      restart_of: row.restart_of,
      reused_from: row.reused_from,
      author: row.author,
      pusher: row.pusher,
      approved_by: row.approved_by,
      ...evaluationLinks(describe(row.repository_id as RepositoryId, row.forge, row.slug).links, row),
      status: row.status,
      outcome: row.outcome,
      reason: row.reason ?? (row.status === 'queued' ? (options.waitingEvaluation?.(row.id) ?? null) : null),
      counts: { total: Object.values(counts).reduce((sum, count) => sum + count, 0), ...counts },
      created_at: toTime(row.created_at),
      started_at: toTimeOrNull(row.started_at),
      building_at: toTimeOrNull(row.building_at),
      finished_at: toTimeOrNull(row.finished_at),
      url: evaluationUrl(options.externalUrl, row.forge, row.slug, row.id),
    };
  }
  /** The job that failed first, and how long its failure counts; null when that job is not kept any more. */
  function earlierOf(row: JobRow): EarlierFailure | null {
    const earlier =
      row.earlier_job_id === null
        ? undefined
        : database.first(jobs.where('jobs.id', '=', row.earlier_job_id));
    if (earlier === undefined) {
      return null;
    }
    const failed = database.first(
      sqlite
        .selectFrom('failed_builds')
        .select('failed_at')
        .where('drv_path', '=', row.drv_path ?? '')
        .where('is_trusted', '=', row.is_trusted),
    );
    const { forge, slug, evaluation_id, attr } = earlier;
    return {
      job_id: earlier.id,
      eval_id: evaluation_id,
      attr,
      repo: { forge, slug },
      url: jobUrl(options.externalUrl, forge, slug, evaluation_id, attr),
      log_url: logUrl(options.externalUrl, earlier),
      failed_at: toTimeOrNull(failed?.failed_at ?? earlier.finished_at),
      until: failed === undefined ? null : toTime(failed.failed_at + (options.failureCacheMs ?? 0)),
    };
  }
  function toJobView(row: JobRow): JobView {
    return {
      id: row.id,
      eval_id: row.evaluation_id,
      attr: row.attr,
      system: row.system,
      name: row.name,
      drv_path: row.drv_path,
      outputs: parseOutputs(row.outputs),
      status: row.status,
      phase: row.phase,
      reason: row.reason ?? (row.status === 'queued' ? options.waitingReason(row.id) : null),
      builder: row.builder,
      attempts: row.attempt,
      created_at: toTime(row.created_at),
      started_at: toTimeOrNull(row.started_at),
      finished_at: toTimeOrNull(row.finished_at),
      timings: {
        // Carrying is told apart from waiting before it and building after it.
        wait_ms:
          row.started_at === null ? null : Math.max(0, row.started_at - row.queued_at - (row.push_ms ?? 0)),
        push_ms: row.push_ms,
        build_ms:
          row.started_at === null || row.finished_at === null
            ? null
            : Math.max(0, row.finished_at - row.started_at - (row.pull_ms ?? 0)),
        pull_ms: row.pull_ms,
        publish_ms: null,
      },
      bytes: { pushed: row.pushed_bytes ?? 0, pulled: row.pulled_bytes ?? 0 },
      log_url: logUrl(options.externalUrl, row),
      log_drv_path: row.lease_drv_path === row.drv_path ? null : row.lease_drv_path,
      earlier: earlierOf(row),
      url: jobUrl(options.externalUrl, row.forge, row.slug, row.evaluation_id, row.attr),
      publications: [],
    };
  }
  function newestOf(repositoryId: number): EvaluationView | null {
    const row = database.first(
      evaluations.where('repository_id', '=', repositoryId).orderBy('evaluations.id', 'desc').limit(1),
    );
    return row === undefined ? null : toEvaluationView(row);
  }
  function toRepositoryView(row: Selectable<Tables['repositories']>): RepositoryView {
    const { webUrl, isPrivate, hook, links } = describe(row.id as RepositoryId, row.forge, row.slug);
    return {
      forge: row.forge,
      slug: row.slug,
      kind: row.kind,
      visibility: isPrivate ? 'private' : 'public',
      hook: hook === null ? null : hookCondition(hook),
      web_url: webUrl,
      default_branch: row.default_branch,
      default_branch_url: row.default_branch === null ? null : (links?.ref(row.default_branch) ?? null),
      trouble: row.trouble,
      checked_at: toTimeOrNull(row.checked_at),
      latest: newestOf(row.id),
      url: repositoryUrl(options.externalUrl, row.forge, row.slug),
    };
  }
  function countOf(table: 'evaluations' | 'jobs', status: 'queued' | 'running' | 'evaluating' | 'building') {
    const query = sqlite
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('status', '=', status as 'queued');
    return database.first(table === 'jobs' ? query.where(isLivingJob) : query)?.count ?? 0;
  }
  function evaluationRows(
    { repository, ref, before, limit }: EvaluationFilter,
    status: EvaluationStatus | null,
  ): readonly EvaluationRow[] {
    let query = evaluations.orderBy('evaluations.id', 'desc').limit(limit);
    if (repository !== undefined) {
      query = query.where('forge', '=', repository.forge).where('slug', '=', repository.slug);
    }
    query = ref === undefined ? query : query.where('ref', '=', ref);
    query = status === null ? query : query.where('status', '=', status);
    query = before === undefined ? query : query.where('evaluations.id', '<', before);
    return database.all(query);
  }
  function jobRows(
    { evaluationId, search, after, limit }: JobFilter,
    status: JobStatus | null,
  ): readonly JobRow[] {
    let query = jobs.where('evaluation_id', '=', evaluationId).orderBy('attr').limit(limit);
    query = status === null ? query : query.where('jobs.status', '=', status);
    query = after === undefined ? query : query.where('attr', '>', after);
    query =
      search === undefined
        ? query
        : query.where(({ fn, val, eb }) =>
            eb(fn<number>('instr', [fn('lower', ['attr']), val(search.toLowerCase())]), '>', 0),
          );
    return database.all(query);
  }

  return {
    totals: () => ({
      repositories:
        database.first(
          sqlite.selectFrom('repositories').select(({ fn }) => fn.countAll<number>().as('count')),
        )?.count ?? 0,
      evaluations: {
        queued: countOf('evaluations', 'queued'),
        evaluating: countOf('evaluations', 'evaluating'),
        building: countOf('evaluations', 'building'),
      },
      jobs: { queued: countOf('jobs', 'queued'), running: countOf('jobs', 'running') },
    }),
    repositories: () =>
      database
        .all(sqlite.selectFrom('repositories').selectAll().orderBy('forge').orderBy('slug'))
        .map(toRepositoryView),
    repository: (forge, slug) => {
      const row = database.first(
        sqlite.selectFrom('repositories').selectAll().where('forge', '=', forge).where('slug', '=', slug),
      );
      return row === undefined ? undefined : toRepositoryView(row);
    },
    evaluations: (filter) =>
      eachStatus(filter.statuses, (status) => evaluationRows(filter, status))
        .toSorted((one, other) => other.id - one.id)
        .slice(0, filter.limit)
        .map(toEvaluationView),
    evaluation: (id) => {
      const row = database.first(evaluations.where('evaluations.id', '=', id));
      return row === undefined ? undefined : toEvaluationView(row);
    },
    jobs: (filter) =>
      eachStatus(filter.statuses, (status) => jobRows(filter, status))
        .toSorted((one, other) => compareBytes(one.attr, other.attr))
        .slice(0, filter.limit)
        .map(toJobView),
    job: (id) => {
      const row = database.first(jobs.where('jobs.id', '=', id));
      return row === undefined ? undefined : toJobView(row);
    },
    jobByAttribute: (evaluationId, attr) => {
      const row = database.first(jobs.where('evaluation_id', '=', evaluationId).where('attr', '=', attr));
      return row === undefined ? undefined : toJobView(row);
    },
    activeJobs: (limit) =>
      (['running', 'queued'] as const)
        .flatMap((status) =>
          database.all(
            jobs.where(isLivingJob).where('jobs.status', '=', status).orderBy('jobs.id').limit(limit),
          ),
        )
        .slice(0, limit)
        .map(toJobView),
    attempts: (jobId) =>
      database
        .all(sqlite.selectFrom('attempts').selectAll().where('job_id', '=', jobId).orderBy('number', 'desc'))
        .map((row) => ({
          number: row.number,
          status: row.status,
          reason: row.reason,
          leaseId: row.lease_id,
          startedAt: toTimeOrNull(row.started_at),
          finishedAt: toTimeOrNull(row.finished_at),
        })),
  };
}

function logUrl(
  externalUrl: string,
  job: { readonly id: number; readonly lease_id: number | null },
): string | null {
  return job.lease_id === null ? null : `${externalUrl}/api/v1/jobs/${job.id}/log`;
}

/** One look at an index for each status: a list of statuses in one would have SQLite read and sort all that have any of them. */
function eachStatus<Status, Row>(
  statuses: readonly Status[] | undefined,
  rowsOf: (status: Status | null) => readonly Row[],
): readonly Row[] {
  return statuses === undefined ? rowsOf(null) : [...new Set(statuses)].flatMap(rowsOf);
}

/** As SQLite orders text, so that the next page begins where this one ended. */
function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
