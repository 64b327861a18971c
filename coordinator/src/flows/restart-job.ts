import type { JobId } from '@argunix/shared/domain/ids';
import type { CommandVerdict } from '../ports/commands.ts';
import { type RestartPorts, restartTogether } from './restart-together.ts';

/** A new attempt of a job that ended, of what made it fail, and of what failed by it. */
export async function restartJob(ports: RestartPorts, id: JobId): Promise<CommandVerdict<object>> {
  const job = ports.jobs.find(id);
  if (job === undefined) {
    return { kind: 'not_found' };
  }
  if (job.drvPath === null) {
    return {
      kind: 'refused',
      reason: 'The attribute did not evaluate, so there is nothing to build. Restart the evaluation.',
    };
  }
  return await restartTogether(
    ports,
    job.evaluationId,
    ports.jobs.restartSet(id),
    'The job has not ended yet. Cancel it first, or wait for its end.',
  );
}
