import type { JobId } from '@argunix/shared/domain/ids';
import type { UnitResult } from './writer.ts';

/** The `id` that the statement at `at` of a unit returned. */
export function insertedId(result: UnitResult, at: number): number {
  const row = result.kind === 'done' ? result.rows[at]?.[0] : undefined;
  if (typeof row !== 'object' || row === null || !('id' in row) || typeof row.id !== 'number') {
    throw new Error('expected the database to return the id of the inserted row');
  }
  return row.id;
}

/** All of them, in the order of the rows. */
export function returnedJobIds(result: UnitResult, at: number): readonly JobId[] {
  return result.kind === 'refused'
    ? []
    : (result.rows[at] ?? []).flatMap((row) =>
        typeof row === 'object' && row !== null && 'id' in row && typeof row.id === 'number'
          ? [row.id as JobId]
          : [],
      );
}
