import type { EvaluationId, JobId, LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { type Selectable, sql } from 'kysely';
import type { JobAttempt, JobStore, NewJob, StoredJob } from '../../ports/job-store.ts';
import { parseOutputs, parseStrings } from './columns.ts';
import { insertedId, returnedJobIds } from './inserted-id.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import type { Tables } from './tables.ts';
import { guarded, type Statement, statement, type Value, type Writer } from './writer.ts';

const UNFINISHED = ['queued', 'running'] as const;

export function createJobStore(database: Reader & Writer): JobStore {
  const jobs = sqlite.selectFrom('jobs').selectAll();
  return {
    find: (id) => {
      const row = database.first(jobs.where('id', '=', id));
      return row === undefined ? undefined : toStoredJob(row);
    },
    unfinished: (evaluationId) =>
      database
        .all(jobs.where('evaluation_id', '=', evaluationId).where('status', 'in', UNFINISHED).orderBy('id'))
        .map(toStoredJob),
    insert: async (evaluationId, newJobs, at) => {
      await database.write([
        {
          bulk: INSERT_JOBS,
          width: INSERTED_COLUMNS.length,
          values: newJobs.flatMap((job) => toRow(evaluationId, job, at)),
        },
      ]);
    },
    lease: async (drvPath, builder, attempts, at) => {
      const result = await database.write([
        {
          ...statement(
            sqlite
              .insertInto('leases')
              .values({
                drv_path: drvPath,
                builder,
                state: 'active',
                ending: null,
                created_at: at,
                ended_at: null,
              })
              .onConflict((conflict) => conflict.doNothing())
              .returning('id'),
          ),
          mustChange: true,
        },
        ...attempts.map((attempt) =>
          statement(
            unfinished(attempt).set({ lease_id: sql<number>`(select max(id) from leases)`, builder }),
          ),
        ),
      ]);
      return result.kind === 'done' ? (insertedId(result, 0) as LeaseId) : undefined;
    },
    begin: async (attempts, at) => {
      await database.write(
        attempts.map((attempt) =>
          statement(unfinished(attempt).set({ status: 'running', phase: 'build', started_at: at })),
        ),
      );
    },
    settle: async (settlements, lease, at) => {
      const ends = settlements.map((settlement) =>
        statement(
          unfinished(settlement)
            .set({
              status: settlement.status,
              phase: null,
              reason: settlement.reason,
              cause_job_id: settlement.causeJobId,
              finished_at: at,
            })
            .returning('id'),
        ),
      );
      const result = await database.write([
        ...ends,
        ...(lease === null ? [] : [endLease(lease.id, 'ended', lease.ending, at)]),
      ]);
      return ends.flatMap((_, index) => returnedJobIds(result, index));
    },
    requeue: async (attempts, lease, at) => {
      await database.write([
        endLease(lease, 'lost', 'infrastructure', at),
        ...attempts.map((attempt) => statement(unfinished(attempt).set(QUEUED_AGAIN))),
      ]);
    },
    loseLeases: async (at) => {
      const result = await database.write([
        statement(
          sqlite
            .updateTable('jobs')
            .set(QUEUED_AGAIN)
            .where('status', 'in', UNFINISHED)
            .where('lease_id', 'is not', null),
        ),
        statement(
          sqlite
            .updateTable('leases')
            .set({ state: 'lost', ending: 'the coordinator stopped', ended_at: at })
            .where('state', '=', 'active'),
        ),
      ]);
      return result.kind === 'done' ? (result.changes[1] ?? 0) : 0;
    },
    restart: async (evaluationId, jobIds, at) => {
      const ended = sqlite
        .selectFrom('jobs')
        .where('evaluation_id', '=', evaluationId)
        .where('id', 'in', jobIds)
        .where('status', 'not in', UNFINISHED)
        // One that did not evaluate has nothing to build again: its evaluation has to be restarted.
        .where('drv_path', 'is not', null);
      const result = await database.write([
        guarded(
          sqlite
            .updateTable('evaluations')
            .set({ status: 'building', outcome: null, counts: null, finished_at: null })
            .where('id', '=', evaluationId)
            .where('status', 'in', ['done', 'building']),
        ),
        {
          ...statement(
            sqlite
              .insertInto('attempts')
              .columns([
                'job_id',
                'number',
                'status',
                'reason',
                'lease_id',
                'builder',
                'started_at',
                'finished_at',
              ])
              .expression(
                ended.select([
                  'id',
                  'attempt',
                  'status',
                  'reason',
                  'lease_id',
                  'builder',
                  'started_at',
                  'finished_at',
                ]),
              ),
          ),
          mustChange: true,
        },
        statement(
          sqlite
            .updateTable('jobs')
            .set(({ eb }) => ({
              status: 'queued',
              attempt: eb('attempt', '+', 1),
              reason: null,
              cause_job_id: null,
              lease_id: null,
              builder: null,
              queued_at: at,
              started_at: null,
              finished_at: null,
            }))
            .where('evaluation_id', '=', evaluationId)
            .where('id', 'in', jobIds)
            .where('status', 'not in', UNFINISHED)
            .where('drv_path', 'is not', null)
            .returning('id'),
        ),
      ]);
      return returnedJobIds(result, 2);
    },
    restartSet: (id) => {
      const job = database.first(
        sqlite.selectFrom('jobs').select(['id', 'evaluation_id', 'cause_job_id']).where('id', '=', id),
      );
      if (job === undefined) {
        return [];
      }
      const causes = [job.id, ...(job.cause_job_id === null ? [] : [job.cause_job_id])];
      return database
        .all(
          sqlite
            .selectFrom('jobs')
            .select('id')
            .where('evaluation_id', '=', job.evaluation_id)
            .where(({ eb, or }) => or([eb('id', 'in', causes), eb('cause_job_id', 'in', causes)]))
            .orderBy('id'),
        )
        .map((row) => row.id as JobId);
    },
  };
}

// Its lease stays named: a log is there to be read, and outputs that are valid now were built by us.
const QUEUED_AGAIN = { status: 'queued', phase: null, started_at: null } as const;

const INSERTED_COLUMNS = [
  'evaluation_id',
  'attr',
  'system',
  'name',
  'drv_path',
  'outputs',
  'required_features',
  'description',
  'main_program',
  'status',
  'reason',
  'attempt',
  'created_at',
  'queued_at',
  'finished_at',
] as const;
const INSERT_JOBS = `insert into jobs (${INSERTED_COLUMNS.join(', ')})`;

function toRow(evaluationId: EvaluationId, job: NewJob, at: number): readonly Value[] {
  return [
    evaluationId,
    job.attr,
    job.system,
    job.name,
    job.drvPath,
    JSON.stringify(job.outputs),
    job.requiredFeatures.length === 0 ? '[]' : JSON.stringify(job.requiredFeatures),
    job.description,
    job.mainProgram,
    job.status,
    job.reason,
    1,
    at,
    at,
    job.status === 'queued' ? null : at,
  ];
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

/** The guard of every change: this job, this attempt, not ended. */
function unfinished({ jobId, attempt }: JobAttempt) {
  return sqlite
    .updateTable('jobs')
    .where('id', '=', jobId)
    .where('attempt', '=', attempt)
    .where('status', 'in', UNFINISHED);
}

function endLease(id: LeaseId, state: 'ended' | 'lost', ending: string, at: number): Statement {
  return statement(
    sqlite
      .updateTable('leases')
      .set({ state, ending, ended_at: at })
      .where('id', '=', id)
      .where('state', '=', 'active'),
  );
}
