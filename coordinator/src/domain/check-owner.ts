/**
 * Whose result a line below a revision shows. Several evaluations can be of one revision: a push and a request, two
 * requests, restarts. A line belongs to the most trusted of those that live or have a result: the trusted before a
 * stranger's, a push before a request, then the newest. What was cancelled or superseded shows only where nobody else
 * has it.
 */
import type { EvaluationStatus, Trigger } from '@argunix/shared/domain/evaluation-status';

export interface Claimant {
  readonly id: number;
  readonly trigger: Trigger;
  readonly prNumber: number | null;
  readonly isTrusted: boolean;
  readonly status: EvaluationStatus;
}

/** The first of them owns every line that it has. */
export function byClaim<One extends Claimant>(claimants: readonly One[]): readonly One[] {
  return claimants.toSorted((one, other) => rankOf(one) - rankOf(other) || other.id - one.id);
}

function rankOf({ prNumber, isTrusted, status }: Claimant): number {
  const hasNoResult = status === 'cancelled' || status === 'superseded';
  return (hasNoResult ? 4 : 0) + (isTrusted ? 0 : 2) + (prNumber === null ? 0 : 1);
}
