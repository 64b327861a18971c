/**
 * Every list and every deletion by an index. Not breaking: an older program works with these indexes as well. Costs
 * about two seconds for each million jobs, once.
 *
 * Evaluations by status had a partial index, which SQLite uses only where the statement repeats its condition word for
 * word, never for `status = ?`: each look at the queue went through all evaluations there ever were.
 */
import { type Kysely, sql } from 'kysely';

export const isBreaking = false;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) {
    await sql.raw(statement).execute(db);
  }
}

const STATEMENTS = [
  'drop index evaluations_living',
  'create index evaluations_by_status on evaluations (status, id)',
  'create index evaluations_by_repository_status on evaluations (repository_id, status, id)',
  'create index evaluations_by_ref_alone on evaluations (ref, id)',
  // A page of the jobs of some states, in the order of their attributes; the states alone are counted by it too.
  'drop index jobs_by_status',
  'create index jobs_by_status on jobs (evaluation_id, status, attr)',
  // For deletions: whatever refers to a row is looked for by these.
  'create index evaluations_restarts on evaluations (restart_of) where restart_of is not null',
  'create index deliveries_by_repository on deliveries (repository_id)',
  'create index deliveries_by_evaluation on deliveries (evaluation_id) where evaluation_id is not null',
  'create index jobs_by_lease on jobs (lease_id) where lease_id is not null',
  'create index attempts_by_lease on attempts (lease_id) where lease_id is not null',
];
