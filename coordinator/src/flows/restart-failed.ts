import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { CommandVerdict } from '../ports/commands.ts';
import { type RestartPorts, restartTogether } from './restart-together.ts';

/** A new attempt of every job of an evaluation that ended without its outputs; what is good or still under way is left. */
export async function restartFailed(ports: RestartPorts, id: EvaluationId): Promise<CommandVerdict<object>> {
  if (ports.evaluations.find(id) === undefined) {
    return { kind: 'not_found' };
  }
  return await restartTogether(
    ports,
    id,
    ports.jobs.failed(id),
    `Evaluation ${id} has no job that failed and could be built again.`,
  );
}
