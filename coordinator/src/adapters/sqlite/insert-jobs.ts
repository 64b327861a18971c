import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { NewJob } from '../../ports/job-store.ts';
import { sqlite } from './sql.ts';
import { bulkInsert, guarded, type Write } from './writer.ts';

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
    bulkInsert('jobs', jobs.length, {
      attr: jobs.map(({ attr }) => attr),
      name: jobs.map(({ name }) => name),
      drv_path: jobs.map(({ drvPath }) => drvPath),
      outputs: jobs.map(({ outputs }) => JSON.stringify(outputs)),
      system: jobs.map(({ system }) => system),
      required_features: jobs.map(({ requiredFeatures }) =>
        requiredFeatures.length === 0 ? '[]' : JSON.stringify(requiredFeatures),
      ),
      description: jobs.map(({ description }) => description),
      main_program: jobs.map(({ mainProgram }) => mainProgram),
      status: jobs.map(({ status }) => status),
      reason: jobs.map(({ reason }) => reason),
      finished_at: jobs.map(({ status }) => (status === 'queued' ? null : at)),
      evaluation_id: evaluationId,
      attempt: 1,
      created_at: at,
      queued_at: at,
    }),
  ];
}
