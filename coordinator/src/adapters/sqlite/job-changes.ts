/** The guarded changes of jobs and leases; each takes any number of jobs in one statement of one parameter. */
import type { LeaseId, RepositoryId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { sql } from 'kysely';
import type { JobAttempt } from '../../domain/job-attempt.ts';
import { sqlite } from './sql.ts';
import { type Statement, statement } from './writer.ts';

export const UNFINISHED = ['queued', 'running'] as const;
// Its lease stays named: a log is there to be read, and outputs that are valid now were built by us.
export const QUEUED_AGAIN = { status: 'queued', phase: null, started_at: null } as const;

/** As if its last dispatch had not been: nothing of it was begun. */
export const NEVER_DISPATCHED = { ...QUEUED_AGAIN, lease_id: null, builder: null } as const;

/** The guard of every change: these jobs, these attempts, not ended. */
export function unfinished(attempts: readonly JobAttempt[]) {
  return sqlite.updateTable('jobs').where(areAttempts(attempts)).where('status', 'in', UNFINISHED);
}

export function areAttempts(attempts: readonly JobAttempt[]) {
  const pairs = JSON.stringify(attempts.map(({ jobId, attempt }) => [jobId, attempt]));
  return sql<boolean>`(id, attempt) in (select value ->> 0, value ->> 1 from json_each(${pairs}))`;
}

/** Refused while another lease on the derivation is active; the first statement returns the id of the new one. */
export function takeLease(
  {
    drvPath,
    builder,
    chargedTo,
    at,
  }: {
    readonly drvPath: DerivationPath;
    readonly builder: string;
    readonly chargedTo: RepositoryId | null;
    readonly at: number;
  },
  attempts: readonly JobAttempt[],
): readonly Statement[] {
  const lease = sqlite
    .insertInto('leases')
    .values({
      drv_path: drvPath,
      builder,
      state: 'active',
      ending: null,
      created_at: at,
      ended_at: null,
      charged_to: chargedTo,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id');
  return [
    { ...statement(lease), mustChange: true },
    statement(unfinished(attempts).set({ lease_id: sql<number>`(select max(id) from leases)`, builder })),
  ];
}

export function endLease(id: LeaseId, state: 'ended' | 'lost', ending: string, at: number): Statement {
  return statement(
    sqlite
      .updateTable('leases')
      .set({ state, ending, ended_at: at })
      .where('id', '=', id)
      .where('state', '=', 'active'),
  );
}
