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
export function returnedIds<Id extends number>(result: UnitResult, at: number): readonly Id[] {
  return result.kind === 'refused'
    ? []
    : (result.rows[at] ?? []).flatMap((row) =>
        typeof row === 'object' && row !== null && 'id' in row && typeof row.id === 'number'
          ? [row.id as Id]
          : [],
      );
}
