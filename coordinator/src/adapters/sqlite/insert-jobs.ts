import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { NewJob } from '../../ports/job-store.ts';
import { sqlite } from './sql.ts';
import { guarded, type Value, type Write } from './writer.ts';

const COLUMNS = [
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
  'finished_at',
] as const;

/** Refused unless the evaluation is under way: one that was cancelled a moment ago must not get jobs that nobody ends. */
export function insertJobs(
  evaluationId: EvaluationId,
  jobs: readonly NewJob[],
  at: number,
): readonly Write[] {
  const isUnderWay = sqlite
    .selectFrom('evaluations')
    .select('id')
    .where('id', '=', evaluationId)
    .where('status', '=', 'evaluating');
  return [
    guarded(isUnderWay),
    {
      into: 'jobs',
      shared: { evaluation_id: evaluationId, attempt: 1, created_at: at, queued_at: at },
      columns: COLUMNS,
      values: jobs.flatMap((job) => toRow(job, at)),
    },
  ];
}

function toRow(job: NewJob, at: number): readonly Value[] {
  return [
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
    job.status === 'queued' ? null : at,
  ];
}
