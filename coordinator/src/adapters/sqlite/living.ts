import { sql } from 'kysely';

/*
 * The conditions of partial indexes, word for word: SQLite uses one only where the statement says the same. With
 * `status = ?` alone it read every job there ever was.
 */

/** Of the index jobs_living. */
export const isLivingJob = sql<boolean>`jobs.status in ('queued', 'running')`;

/** Of the index leases_active. */
export const isActiveLease = sql<boolean>`leases.state = 'active'`;
