import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { LIVING_STATUSES } from '@argunix/shared/domain/evaluation-status';
import type { EvaluationId, JobId, RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import { type Selectable, sql } from 'kysely';
import type { CheckStore, DueCheck, StandingCheck, WantedCheck } from '../../ports/check-store.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import type { Tables } from './tables.ts';
import { statement, type Writer } from './writer.ts';

/** Of the index checks_due. */
const isUntold = sql<boolean>`posted_version < version`;

export function createCheckStore(database: Reader & Writer): CheckStore {
  return {
    of: (repositoryId, sha) =>
      database
        .all(
          sqlite
            .selectFrom('checks')
            .select(['context', 'evaluation_id', 'job_id', 'state', 'description', 'url'])
            .where('repository_id', '=', repositoryId)
            .where('sha', '=', sha),
        )
        .map(toStanding),
    want: async (repositoryId, sha, checks, reported, at) => {
      await database.write([
        ...checks.map((check) => statement(upsert(repositoryId, sha, check, at))),
        statement(
          sqlite
            .updateTable('evaluations')
            .set({ is_reported: 1 })
            .where('id', 'in', reported)
            .where('status', 'not in', LIVING_STATUSES),
        ),
      ]);
    },
    due: (forge, now, limit) =>
      database
        .all(
          untold(forge)
            .selectAll()
            .where('next_try_at', '<=', now)
            .orderBy(sql`context != 'argunix: evaluation'`)
            .orderBy(sql`state = 'pending'`)
            .orderBy('changed_at')
            .limit(limit),
        )
        .map(toDue),
    findDue: (id, now) => {
      const row = database.first(
        sqlite
          .selectFrom('checks')
          .selectAll()
          .where('id', '=', id)
          .where(isUntold)
          .where('next_try_at', '<=', now),
      );
      return row === undefined ? undefined : toDue(row);
    },
    nextDueAt: (forge, now) => {
      const next = untold(forge)
        .where('next_try_at', '>', now)
        .select(({ fn }) => fn.min('next_try_at').as('at'));
      const at = database.first(next)?.at ?? null;
      return at === null ? undefined : toEpochMs(at);
    },
    posted: async (id, version, handle, at) => {
      await database.write([
        statement(
          sqlite
            .updateTable('checks')
            .set({ posted_version: version, handle, posted_at: at, tries: 0, trouble: null })
            .where('id', '=', id),
        ),
      ]);
    },
    postpone: async (id, version, { until, trouble, refusals }) => {
      await database.write([
        statement(
          sqlite
            .updateTable('checks')
            .set({ tries: refusals, next_try_at: until, trouble })
            .where('id', '=', id)
            .where('version', '=', version),
        ),
      ]);
    },
    abandon: async (id, version, trouble) => {
      await database.write([
        statement(
          sqlite.updateTable('checks').set({ posted_version: version, trouble }).where('id', '=', id),
        ),
      ]);
    },
    backlog: () =>
      database
        .all(
          sqlite
            .selectFrom('checks')
            .innerJoin('repositories', 'repositories.id', 'checks.repository_id')
            .select(({ fn }) => [
              'forge',
              fn.countAll<number>().as('count'),
              fn.min('changed_at').as('oldest_at'),
            ])
            .where(isUntold)
            .groupBy('forge'),
        )
        .map((row) => ({ forge: row.forge, count: row.count, oldestAt: toEpochMs(row.oldest_at) })),
  };
}

function untold(forge: string) {
  return sqlite
    .selectFrom('checks')
    .where('repository_id', 'in', ({ selectFrom }) =>
      selectFrom('repositories').select('repositories.id').where('forge', '=', forge),
    )
    .where(isUntold);
}

function upsert(repositoryId: RepositoryId, sha: Sha, check: WantedCheck, at: number) {
  return sqlite
    .insertInto('checks')
    .values({
      repository_id: repositoryId,
      sha,
      context: check.context,
      evaluation_id: check.evaluationId,
      job_id: check.jobId,
      state: check.state,
      description: check.description,
      url: check.url,
      version: 1,
      next_try_at: at,
      changed_at: at,
      handle: null,
      trouble: null,
      posted_at: null,
    })
    .onConflict((conflict) =>
      conflict.columns(['repository_id', 'sha', 'context']).doUpdateSet(({ ref, eb }) => ({
        evaluation_id: ref('excluded.evaluation_id'),
        job_id: ref('excluded.job_id'),
        state: ref('excluded.state'),
        description: ref('excluded.description'),
        url: ref('excluded.url'),
        version: eb('checks.version', '+', 1),
        // A forge that does not take one of a line's states may take the next.
        next_try_at: ref('excluded.next_try_at'),
        tries: 0,
        changed_at: ref('excluded.changed_at'),
      })),
    );
}

function toDue(row: Selectable<Tables['checks']>): DueCheck {
  return {
    ...toStanding(row),
    id: row.id,
    repositoryId: row.repository_id as RepositoryId,
    sha: row.sha as Sha,
    version: row.version,
    handle: row.handle,
    refusals: row.tries,
    changedAt: toEpochMs(row.changed_at),
  };
}

function toStanding(
  row: Pick<
    Selectable<Tables['checks']>,
    'context' | 'evaluation_id' | 'job_id' | 'state' | 'description' | 'url'
  >,
): StandingCheck {
  return {
    context: row.context,
    evaluationId: row.evaluation_id as EvaluationId | null,
    jobId: row.job_id as JobId | null,
    state: row.state,
    description: row.description,
    url: row.url,
  };
}
