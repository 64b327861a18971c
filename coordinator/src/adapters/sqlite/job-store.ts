import type { EvaluationId, JobId, LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { type Selectable, sql } from 'kysely';
import type { JobStore, StoredJob } from '../../ports/job-store.ts';
import { parseOutputs, parseStrings } from './columns.ts';
import { insertJobs } from './insert-jobs.ts';
import { insertedId, returnedAttempts } from './inserted-id.ts';
import { endLease, QUEUED_AGAIN, takeLease, UNFINISHED, unfinished } from './job-changes.ts';
import { isActiveLease, isLivingJob } from './living.ts';
import type { Reader } from './open-database.ts';
import { failedOf, restartJobs, restartSetOf } from './restart-jobs.ts';
import { sqlite } from './sql.ts';
import type { Tables } from './tables.ts';
import { statement, type Writer } from './writer.ts';

export function createJobStore(database: Reader & Writer): JobStore {
  const jobs = sqlite.selectFrom('jobs').selectAll();
  return {
    find: (id) => {
      const row = database.first(jobs.where('id', '=', id));
      return row === undefined ? undefined : toStoredJob(row);
    },
    unfinished: (evaluationId, { after, limit }) =>
      database
        .all(
          unfinishedOf(evaluationId)
            .selectAll()
            .where('attr', '>', after ?? '')
            .orderBy('attr')
            .limit(limit),
        )
        .map(toStoredJob),
    unfinishedAttempts: (evaluationId) =>
      new Map(
        database
          .all(unfinishedOf(evaluationId).select(['id', 'attempt']))
          .map(({ id, attempt }) => [id as JobId, attempt]),
      ),
    hasUnfinished: (evaluationId) =>
      database.first(unfinishedOf(evaluationId).select('id').limit(1)) !== undefined,
    insert: async (evaluationId, newJobs, at) =>
      (await database.write(insertJobs(evaluationId, newJobs, at))).kind === 'done',
    lease: async (drvPath, builder, attempts, at) => {
      const result = await database.write(takeLease(drvPath, builder, attempts, at));
      return result.kind === 'done' ? (insertedId(result, 0) as LeaseId) : undefined;
    },
    join: async (attempts, lease, startedAt) => {
      const running = { status: 'running', phase: 'build', started_at: startedAt } as const;
      await database.write([
        statement(
          unfinished(attempts)
            .set(({ selectFrom }) => ({
              lease_id: lease,
              builder: selectFrom('leases').select('builder').where('leases.id', '=', lease),
              ...(startedAt === null ? {} : running),
            }))
            .where(({ exists, selectFrom }) =>
              exists(
                selectFrom('leases')
                  .select('id')
                  .where('leases.id', '=', lease)
                  .where('state', '=', 'active'),
              ),
            ),
        ),
      ]);
    },
    begin: async (attempts, at) => {
      await database.write([
        statement(unfinished(attempts).set({ status: 'running', phase: 'build', started_at: at })),
      ]);
    },
    settle: async (settlements, lease, at) => {
      // The jobs that a failure took along share all but their number: one statement for thousands of them.
      const alike = Map.groupBy(settlements, ({ status, reason, causeJobId }) =>
        JSON.stringify([status, reason, causeJobId]),
      );
      const ends = [...alike.values()].flatMap((some) =>
        some
          .slice(0, 1)
          .map(({ status, reason, causeJobId }) =>
            statement(
              unfinished(some)
                .set({ status, phase: null, reason, cause_job_id: causeJobId, finished_at: at })
                .returning(['id', 'attempt']),
            ),
          ),
      );
      const result = await database.write([
        ...ends,
        ...(lease === null ? [] : [endLease(lease.id, 'ended', lease.ending, at)]),
      ]);
      return ends.flatMap((_, index) => returnedAttempts(result, index).map(({ jobId }) => jobId));
    },
    requeue: async (attempts, lease, at) => {
      await database.write([
        endLease(lease, 'lost', 'infrastructure', at),
        statement(unfinished(attempts).set(QUEUED_AGAIN)),
      ]);
    },
    loseLeases: async (at) => {
      const result = await database.write([
        statement(
          sqlite.updateTable('jobs').set(QUEUED_AGAIN).where(isLivingJob).where('lease_id', 'is not', null),
        ),
        statement(
          sqlite
            .updateTable('leases')
            .set({ state: 'lost', ending: 'the coordinator stopped', ended_at: at })
            .where(isActiveLease),
        ),
      ]);
      return result.kind === 'done' ? (result.changes[1] ?? 0) : 0;
    },
    restart: async (evaluationId, jobIds, at) => {
      const result = await database.write(restartJobs(evaluationId, jobIds, at));
      return returnedAttempts(result, 2).map(({ jobId }) => jobId);
    },
    restartSet: (id) => restartSetOf(database, id),
    failed: (evaluationId) => failedOf(database, evaluationId),
    bump: async (ids, at) => {
      const result = await database.write([
        statement(
          sqlite
            .updateTable('jobs')
            .set({ bumped_at: at })
            .where(sql<boolean>`id in (select value from json_each(${JSON.stringify(ids)}))`)
            .where('status', 'in', UNFINISHED),
        ),
      ]);
      return result.kind === 'done' ? (result.changes[0] ?? 0) : 0;
    },
  };
}

function unfinishedOf(evaluationId: EvaluationId) {
  return sqlite
    .selectFrom('jobs')
    .where('evaluation_id', '=', evaluationId)
    .where('status', 'in', UNFINISHED);
}

function toStoredJob(row: Selectable<Tables['jobs']>): StoredJob {
  return {
    id: row.id as JobId,
    evaluationId: row.evaluation_id as EvaluationId,
    attr: row.attr,
    system: row.system,
    drvPath: row.drv_path as DerivationPath | null,
    outputs: parseOutputs(row.outputs),
    requiredFeatures: parseStrings(row.required_features),
    status: row.status,
    attempt: row.attempt,
    leaseId: row.lease_id as LeaseId | null,
  };
}
