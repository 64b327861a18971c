import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import { isJobEnding, isJobGood, JOB_STATUSES } from '@argunix/shared/domain/job-status';
import { sql } from 'kysely';
import type { CheckedJob, CheckJobs } from '../../ports/check-jobs.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';

const BAD = JOB_STATUSES.filter(
  (status) => isJobEnding(status) && !isJobGood(status) && status !== 'cancelled',
);

export function createCheckJobs(database: Reader): CheckJobs {
  const read = (query: ReturnType<typeof jobs>): readonly CheckedJob[] =>
    database.all(query).map((row) => ({
      id: row.id as JobId,
      attr: row.attr,
      status: row.status,
      reason: row.reason,
      startedAt: moment(row.started_at),
      finishedAt: moment(row.finished_at),
    }));

  return {
    all: (evaluationId, limit) => read(jobs(evaluationId).orderBy('attr').limit(limit)),
    bad: (evaluationId, limit) =>
      read(
        jobs(evaluationId)
          .where('status', 'in', BAD)
          .orderBy(sql`status = 'dependency_failed'`)
          .orderBy('attr')
          .limit(limit),
      ),
  };
}

function jobs(evaluationId: EvaluationId) {
  return sqlite
    .selectFrom('jobs')
    .select(['id', 'attr', 'status', 'reason', 'started_at', 'finished_at'])
    .where('evaluation_id', '=', evaluationId);
}

function moment(at: number | null): EpochMs | null {
  return at === null ? null : toEpochMs(at);
}
