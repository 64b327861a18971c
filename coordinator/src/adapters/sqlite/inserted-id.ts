import type { JobId } from '@argunix/shared/domain/ids';
import type { JobAttempt } from '../../domain/job-attempt.ts';
import type { UnitResult } from './writer.ts';

/** The `id` that the statement at `at` of a unit returned. */
export function insertedId(result: UnitResult, at: number): number {
  const row = result.kind === 'done' ? result.rows[at]?.[0] : undefined;
  if (typeof row !== 'object' || row === null || !('id' in row) || typeof row.id !== 'number') {
    throw new Error('expected the database to return the id of the inserted row');
  }
  return row.id;
}

/** The attempts that the statement at `at` returned by `id` and `attempt`. */
export function returnedAttempts(result: UnitResult, at: number): readonly JobAttempt[] {
  return result.kind === 'refused' ? [] : (result.rows[at] ?? []).flatMap(toAttempt);
}

function toAttempt(row: unknown): readonly JobAttempt[] {
  return typeof row === 'object' &&
    row !== null &&
    'id' in row &&
    typeof row.id === 'number' &&
    'attempt' in row &&
    typeof row.attempt === 'number'
    ? [{ jobId: row.id as JobId, attempt: row.attempt }]
    : [];
}
