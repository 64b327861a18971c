/** awaiting_approval → queued → evaluating → building → done, or one of the other ends on the way. */
export const EVALUATION_STATUSES = [
  'awaiting_approval',
  'queued',
  'evaluating',
  'building',
  'done',
  'evaluation_failed',
  'cancelled',
  'superseded',
] as const;
export type EvaluationStatus = (typeof EVALUATION_STATUSES)[number];

export const LIVING_STATUSES = ['awaiting_approval', 'queued', 'evaluating', 'building'] as const;

export const EVALUATION_OUTCOMES = ['success', 'failure', 'error'] as const;
export type EvaluationOutcome = (typeof EVALUATION_OUTCOMES)[number];

export const TRIGGERS = ['push', 'pull_request', 'manual', 'restart'] as const;
export type Trigger = (typeof TRIGGERS)[number];

const ENDS: ReadonlySet<EvaluationStatus> = new Set(['done', 'evaluation_failed', 'cancelled', 'superseded']);

export function isEvaluationEnded(status: EvaluationStatus): boolean {
  return ENDS.has(status);
}
