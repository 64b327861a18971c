/** A new attempt of jobs that ended: what the one before came to is kept, and their evaluation builds again. */
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import { isJobEnding, isJobGood, JOB_STATUSES } from '@argunix/shared/domain/job-status';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { sql } from 'kysely';
import type { RestartableJob } from '../../ports/job-store.ts';
import { UNFINISHED } from './job-changes.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import { guarded, type Statement, statement } from './writer.ts';

const ATTEMPT = ['status', 'reason', 'lease_id', 'builder', 'started_at', 'finished_at'] as const;

/** The fourth statement returns the attempts that are new. */
export function restartJobs(
  evaluationId: EvaluationId,
  jobIds: readonly JobId[],
  at: number,
): readonly Statement[] {
  const named = sql<boolean>`id in (select value from json_each(${JSON.stringify(jobIds)}))`;
  const ended = sqlite
    .selectFrom('jobs')
    .where('evaluation_id', '=', evaluationId)
    .where(named)
    .where('status', 'not in', UNFINISHED)
    // One that did not evaluate has nothing to build again: its evaluation has to be restarted.
    .where('drv_path', 'is not', null);
  return [
    guarded(
      sqlite
        .updateTable('evaluations')
        .set(({ selectFrom, ref }) => ({
          status: 'building',
          outcome: null,
          counts: null,
          finished_at: null,
          // Its forge is to be told anew.
          is_reported: selectFrom('repositories')
            .select(sql<number>`kind = 'git'`.as('has_no_forge'))
            .whereRef('repositories.id', '=', ref('evaluations.repository_id'))
            .$asScalar()
            .$notNull(),
        }))
        .where('id', '=', evaluationId)
        .where('status', 'in', ['done', 'building'])
        .where('superseded_by', 'is', null),
    ),
    guarded(
      sqlite
        .insertInto('attempts')
        .columns(['job_id', 'number', ...ATTEMPT])
        .expression(ended.select(['id', 'attempt', ...ATTEMPT])),
    ),
    // Whoever restarts it wants it built. Its lease may be that of a step which no job names.
    statement(
      sqlite
        .deleteFrom('failed_builds')
        .where(({ eb, or, selectFrom }) =>
          or([
            eb('drv_path', 'in', ended.select('jobs.drv_path')),
            eb(
              'drv_path',
              'in',
              selectFrom('leases')
                .select('leases.drv_path')
                .where('leases.id', 'in', ended.select('lease_id')),
            ),
          ]),
        ),
    ),
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
          bumped_at: null,
          earlier_job_id: null,
        }))
        .where('id', 'in', ended.select('id'))
        .returning(['id', 'attempt']),
    ),
  ];
}

/** The job, its cause, and what failed by either. */
export function restartSetOf(database: Reader, id: JobId): readonly RestartableJob[] {
  const job = database.first(
    sqlite.selectFrom('jobs').select(['id', 'evaluation_id', 'cause_job_id']).where('id', '=', id),
  );
  if (job === undefined) {
    return [];
  }
  const causes = [job.id, job.cause_job_id ?? job.id];
  return database
    .all(
      withDerivation(job.evaluation_id)
        .where(({ eb, or }) => or([eb('id', 'in', causes), eb('cause_job_id', 'in', causes)]))
        .orderBy('id'),
    )
    .flatMap(toRestartable);
}

/** What failed by them is among them: it has ended, and not well. */
export function failedOf(database: Reader, evaluationId: EvaluationId): readonly RestartableJob[] {
  return database.all(withDerivation(evaluationId).where('status', 'in', BAD_ENDINGS)).flatMap(toRestartable);
}

const BAD_ENDINGS = JOB_STATUSES.filter((status) => isJobEnding(status) && !isJobGood(status));

function withDerivation(evaluationId: number) {
  return sqlite
    .selectFrom('jobs')
    .select(['id', 'drv_path'])
    .where('evaluation_id', '=', evaluationId)
    .where('drv_path', 'is not', null);
}

function toRestartable(row: {
  readonly id: number;
  readonly drv_path: string | null;
}): readonly RestartableJob[] {
  return row.drv_path === null ? [] : [{ id: row.id as JobId, drvPath: row.drv_path as DerivationPath }];
}
