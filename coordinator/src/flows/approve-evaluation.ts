import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Changes } from '../ports/changes.ts';
import type { CommandVerdict } from '../ports/commands.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';

export interface ApprovePorts {
  readonly evaluations: Pick<EvaluationStore, 'find' | 'approve'>;
  readonly changes: Changes;
}

/** Trusts exactly the revision that this evaluation is of; a newer push to its request is another one. */
export async function approveEvaluation(
  { evaluations, changes }: ApprovePorts,
  id: EvaluationId,
  by: string,
): Promise<CommandVerdict<object>> {
  const evaluation = evaluations.find(id);
  if (evaluation === undefined) {
    return { kind: 'not_found' };
  }
  if (!(await evaluations.approve(id, by))) {
    return {
      kind: 'refused',
      reason: `It does not wait for approval: it is ${evaluations.find(id)?.status ?? evaluation.status}.`,
    };
  }
  changes.tell({ kind: 'evaluation', evaluationId: id });
  return { kind: 'done' };
}
