import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId, LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { type Selectable, sql } from 'kysely';
import type { EndedLease, JobStore, Settlement, StoredJob } from '../../ports/job-store.ts';
import { recordTimes } from './build-history.ts';
import { parseOutputs, parseStrings } from './columns.ts';
import { rememberFailure } from './failed-builds.ts';
import { insertJobs } from './insert-jobs.ts';
import { returnedAttempts } from './inserted-id.ts';
import { areAttempts, endLease, UNFINISHED, unfinished } from './job-changes.ts';
import { createLeaseStore } from './lease-store.ts';
import type { Reader } from './open-database.ts';
import { failedOf, restartJobs, restartSetOf } from './restart-jobs.ts';
import { sqlite } from './sql.ts';
import type { Tables } from './tables.ts';
import { type Statement, statement, type Writer } from './writer.ts';

export function createJobStore(database: Reader & Writer): JobStore {
  const jobs = sqlite.selectFrom('jobs').selectAll();
  return {
    ...createLeaseStore(database),
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
    stillUnfinished: (attempts) =>
      new Set(
        database
          .all(
            sqlite
              .selectFrom('jobs')
              .select('id')
              .where(areAttempts(attempts))
              .where('status', 'in', UNFINISHED),
          )
          .map(({ id }) => id as JobId),
      ),
    hasUnfinished: (evaluationId) =>
      database.first(unfinishedOf(evaluationId).select('id').limit(1)) !== undefined,
    insert: async (evaluationId, newJobs, at) =>
      (await database.write(insertJobs(evaluationId, newJobs, at))).kind === 'done',
    settle: async (settlements, lease, at) => {
      // The jobs that a failure took along share all but their number: one statement for thousands of them.
      const alike = Map.groupBy(settlements, ({ status, reason, causeJobId, earlierJobId, leaseId }) =>
        JSON.stringify([status, reason, causeJobId, earlierJobId, leaseId]),
      );
      const ends = [...alike.values()].flatMap((some) =>
        some
          .slice(0, 1)
          .map((end) => statement(unfinished(some).set(toEnd(end, at)).returning(['id', 'attempt']))),
      );
      const result = await database.write([...ends, ...(lease === null ? [] : endOfLease(lease, at))]);
      return ends.flatMap((_, index) => returnedAttempts(result, index).map(({ jobId }) => jobId));
    },
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
    restart: async (evaluationId, jobIds, at) => {
      const result = await database.write(restartJobs(evaluationId, jobIds, at));
      return returnedAttempts(result, 3).map(({ jobId }) => jobId);
    },
    restartSet: (id) => restartSetOf(database, id),
    failed: (evaluationId) => failedOf(database, evaluationId),
  };
}

function toEnd({ status, reason, causeJobId, earlierJobId, leaseId }: Settlement, at: EpochMs) {
  return {
    status,
    phase: null,
    reason,
    cause_job_id: causeJobId,
    earlier_job_id: earlierJobId ?? null,
    finished_at: at,
    ...(leaseId === undefined ? {} : { lease_id: leaseId }),
  };
}

function endOfLease(lease: EndedLease, at: EpochMs): readonly Statement[] {
  const { id, ending, built, push, pull } = lease;
  return [
    endLease(id, 'ended', ending, at),
    ...(push === undefined && pull === undefined
      ? []
      : [
          statement(
            sqlite
              .updateTable('leases')
              .set({
                push_ms: push?.tookMs ?? null,
                pushed_bytes: push?.bytes ?? null,
                pull_ms: pull?.tookMs ?? null,
                pulled_bytes: pull?.bytes ?? null,
              })
              .where('id', '=', id),
          ),
        ]),
    ...rememberFailure(lease, at),
    ...(built === undefined || built === null ? [] : [recordTimes([built], at)]),
  ];
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
    name: row.name,
    drvPath: row.drv_path as DerivationPath | null,
    outputs: parseOutputs(row.outputs),
    requiredFeatures: parseStrings(row.required_features),
    status: row.status,
    attempt: row.attempt,
    leaseId: row.lease_id as LeaseId | null,
    bumpedAt: row.bumped_at === null ? null : toEpochMs(row.bumped_at),
  };
}
