import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { LIVING_STATUSES } from '@argunix/shared/domain/evaluation-status';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import { JOB_STATUSES } from '@argunix/shared/domain/job-status';
import type { Sha } from '@argunix/shared/domain/sha';
import { type Selectable, sql } from 'kysely';
import { ASKING } from '../../domain/trust-policy.ts';
import type { Evaluation, EvaluationStore, StatusCounts } from '../../ports/evaluation-store.ts';
import { insertedId, returnedAttempts } from './inserted-id.ts';
import { UNFINISHED } from './job-changes.ts';
import type { Reader } from './open-database.ts';
import { reuseDigest } from './reuse-digest.ts';
import { sqlite } from './sql.ts';
import type { Tables } from './tables.ts';
import { guarded, statement, type Writer } from './writer.ts';

/** A request that nobody vouched for: to have it built again is not to approve it. */
const isUnapproved = sql`pr_number is not null and is_trusted = 0`;

const ENDED = ['done', 'evaluation_failed', 'cancelled', 'superseded'] as const;

export function createEvaluationStore(database: Reader & Writer): EvaluationStore {
  const evaluations = sqlite.selectFrom('evaluations').selectAll('evaluations');
  async function transition(query: Parameters<typeof guarded>[0]): Promise<boolean> {
    return (await database.write([guarded(query)])).kind === 'done';
  }

  return {
    find: (id) => {
      const row = database.first(evaluations.where('id', '=', id));
      return row === undefined ? undefined : toEvaluation(row);
    },
    living: (statuses) =>
      database.all(evaluations.where('status', 'in', statuses).orderBy('id')).map(toEvaluation),
    queued: () =>
      database
        .all(
          evaluations
            .innerJoin('repositories', 'repositories.id', 'evaluations.repository_id')
            .select('default_branch')
            .where('status', '=', 'queued')
            .orderBy('evaluations.id'),
        )
        .map((row) => ({ ...toEvaluation(row), isOfDefaultBranch: row.ref === row.default_branch })),
    newestLike: ({ repositoryId, kind, ref, prNumber, sha, isTrusted }) => {
      const row = database.first(
        evaluations
          .where('repository_id', '=', repositoryId)
          .where('ref', '=', ref)
          .where('pr_number', prNumber === null ? 'is' : '=', prNumber)
          .where('sha', '=', sha)
          .where('trigger', '=', kind)
          .$if(isTrusted !== null, (query) => query.where('is_trusted', '=', isTrusted === true ? 1 : 0))
          .orderBy('id', 'desc')
          .limit(1),
      );
      return row === undefined ? undefined : toEvaluation(row);
    },
    isNewestOfSubject: ({ id, repositoryId, ref, prNumber, trigger }) =>
      database.first(
        sqlite
          .selectFrom('evaluations')
          .select('id')
          .where('repository_id', '=', repositoryId)
          .where('id', '>', id)
          .where('trigger', '=', trigger)
          .where(({ eb }) => (prNumber === null ? eb('ref', '=', ref) : eb('pr_number', '=', prNumber)))
          .limit(1),
      ) === undefined,
    counts: (id) => countsOf(database, id),
    ofRevision: (repositoryId, sha) =>
      database
        .all(evaluations.where('repository_id', '=', repositoryId).where('sha', '=', sha).orderBy('id'))
        .map(toEvaluation),
    unreported: () =>
      database.all(evaluations.where(sql<boolean>`is_reported = 0`).orderBy('id')).map(toEvaluation),
    approve: (id, by) =>
      transition(
        leave(id, 'awaiting_approval').set({
          status: 'queued',
          is_trusted: 1,
          awaits: null,
          approved_by: by,
          reason: null,
        }),
      ),
    hold: (id, awaits, reason, pusher) =>
      transition(leave(id, 'awaiting_approval').set({ awaits, reason }).where('pusher', 'is', pusher)),
    identify: (id, pusher) =>
      transition(leave(id, 'awaiting_approval').set({ awaits: 'forge', pusher }).where('pusher', 'is', null)),
    setBuilt: (id, built) =>
      transition(leave(id, 'queued').set({ built_sha: built.sha, built_ref: built.ref })),
    begin: async (id, at, keys) => {
      const result = await database.write([
        guarded(
          leave(id, 'queued').set({
            status: 'evaluating',
            started_at: at,
            reason: null,
            reuse_key: keys === undefined ? null : reuseDigest(keys.commit),
            tree_key: keys === undefined || keys.tree === null ? null : reuseDigest(keys.tree),
          }),
        ),
        statement(sqlite.deleteFrom('jobs').where('evaluation_id', '=', id)),
      ]);
      return result.kind === 'done';
    },
    startBuilding: (id, at) =>
      transition(leave(id, 'evaluating').set({ status: 'building', building_at: at })),
    fail: async (id, reason, at) => {
      const result = await database.write([
        guarded(leave(id, 'evaluating').set({ status: 'evaluation_failed', reason, finished_at: at })),
        statement(cancelJobs(id, 'It was not built, because its evaluation failed.', at)),
      ]);
      return result.kind === 'done';
    },
    requeue: (id, reason) =>
      transition(leave(id, 'evaluating').set({ status: 'queued', started_at: null, reason })),
    end: async (id, ending, reason, at) => {
      const ended =
        ending === 'cancelled'
          ? ({ status: ending } as const)
          : ({ status: 'superseded', superseded_by: ending.supersededBy } as const);
      const result = await database.write([
        guarded(
          sqlite
            .updateTable('evaluations')
            .set({ ...ended, reason, finished_at: at })
            .where('id', '=', id)
            .where('status', 'in', LIVING_STATUSES),
        ),
        statement(cancelJobs(id, reason, at).returning(['id', 'attempt'])),
      ]);
      return result.kind === 'done' ? returnedAttempts(result, 1) : undefined;
    },
    dropQueued: async (id, supersededBy, reason, at) => {
      const isBuilding = leave(id, 'building').set(({ ref }) => ({ superseded_by: ref('superseded_by') }));
      const mark = leave(id, 'building')
        .set({ superseded_by: supersededBy, reason })
        .where('superseded_by', 'is', null);
      const result = await database.write([
        guarded(supersededBy === null ? isBuilding : mark),
        statement(cancelJobs(id, reason, at, ['queued']).returning(['id', 'attempt'])),
      ]);
      return result.kind === 'done' ? returnedAttempts(result, 1) : undefined;
    },
    finish: (id, outcome, counts, at) =>
      transition(
        leave(id, 'building')
          .set(({ ref }) => ({
            status: sql<'done'>`iif(${ref('superseded_by')} is null, 'done', 'superseded')`,
            outcome: sql<typeof outcome>`iif(${ref('superseded_by')} is null, ${outcome}, null)`,
            counts: JSON.stringify(counts),
            finished_at: at,
          }))
          .where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom('jobs')
                  .select('jobs.id')
                  .where('evaluation_id', '=', id)
                  .where('jobs.status', 'in', ['queued', 'running']),
              ),
            ),
          ),
      ),
    restart: async (id, at) => {
      const result = await database.write([
        statement(
          sqlite
            .insertInto('evaluations')
            .columns([
              'repository_id',
              'trigger',
              'ref',
              'pr_number',
              'sha',
              'built_sha',
              'built_ref',
              'author',
              'pusher',
              'is_trusted',
              'approved_by',
              'restart_of',
              'status',
              'awaits',
              'reason',
              'is_reported',
              'created_at',
            ])
            .expression(({ selectFrom, val }) =>
              selectFrom('evaluations')
                .select([
                  'repository_id',
                  sql<'restart'>`'restart'`.as('trigger'),
                  'ref',
                  'pr_number',
                  'sha',
                  'built_sha',
                  'built_ref',
                  'author',
                  'pusher',
                  'is_trusted',
                  'approved_by',
                  'id as restart_of',
                  sql<'queued'>`iif(${isUnapproved}, 'awaiting_approval', 'queued')`.as('status'),
                  sql<'forge' | null>`iif(${isUnapproved}, 'forge', null)`.as('awaits'),
                  sql<string | null>`iif(${isUnapproved}, ${ASKING}, null)`.as('reason'),
                  sql<number>`(select kind = 'git' from repositories where repositories.id = repository_id)`.as(
                    'is_reported',
                  ),
                  val(at).as('created_at'),
                ])
                .where('id', '=', id)
                .where('status', 'in', ENDED),
            )
            .returning('id'),
          { mustChange: true },
        ),
      ]);
      return result.kind === 'done' ? (insertedId(result, 0) as EvaluationId) : undefined;
    },
  };
}

export function countsOf(database: Reader, evaluationId: number): StatusCounts {
  const rows = database.all(
    sqlite
      .selectFrom('jobs')
      .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
      .where('evaluation_id', '=', evaluationId)
      .groupBy('status'),
  );
  const counts = Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as Record<
    (typeof JOB_STATUSES)[number],
    number
  >;
  for (const { status, count } of rows) {
    counts[status] = count;
  }
  return counts;
}

function toEvaluation(row: Selectable<Tables['evaluations']>): Evaluation {
  return {
    id: row.id as EvaluationId,
    repositoryId: row.repository_id as RepositoryId,
    trigger: row.trigger,
    ref: row.ref as GitRef,
    prNumber: row.pr_number,
    sha: row.sha as Sha,
    builtSha: row.built_sha as Sha,
    builtRef: row.built_ref as GitRef | null,
    author: row.author,
    pusher: row.pusher,
    awaits: row.awaits,
    isTrusted: row.is_trusted === 1,
    status: row.status,
    outcome: row.outcome,
    reason: row.reason,
    supersededBy: row.superseded_by as EvaluationId | null,
    createdAt: toEpochMs(row.created_at),
    buildingAt: row.building_at === null ? null : toEpochMs(row.building_at),
  };
}

/** What of it has not ended, ends with it. */
function cancelJobs(
  id: EvaluationId,
  reason: string,
  at: number,
  statuses: readonly ('queued' | 'running')[] = UNFINISHED,
) {
  return sqlite
    .updateTable('jobs')
    .set({ status: 'cancelled', phase: null, reason, finished_at: at })
    .where('evaluation_id', '=', id)
    .where('status', 'in', statuses);
}

/** The guard of a transition. */
function leave(id: EvaluationId, from: Evaluation['status']) {
  return sqlite.updateTable('evaluations').where('id', '=', id).where('status', '=', from);
}
