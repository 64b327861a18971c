import type { EvaluationId } from '@argunix/shared/domain/ids';

/** The owner of an evaluation's derivations: kept until the evaluation has ended. */
export function derivationRoots(id: EvaluationId): string {
  return `eval-${id}-drvs`;
}

/** The owner of an evaluation's outputs: kept as long as the evaluation itself. */
export function outputRoots(id: EvaluationId): string {
  return `eval-${id}-outs`;
}
