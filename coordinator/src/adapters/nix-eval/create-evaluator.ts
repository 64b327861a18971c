import type { Evaluator } from '../../ports/evaluator.ts';
import { createBuiltInEvaluator } from './built-in-evaluator.ts';
import type { EvaluationSpaces } from './evaluation-space.ts';
export function createEvaluator(options: { readonly spaces: EvaluationSpaces }): Evaluator {
  return createBuiltInEvaluator(options.spaces);
}
