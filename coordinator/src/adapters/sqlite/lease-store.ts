import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { LeaseId, RepositoryId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { sql } from 'kysely';
import type { LeaseStore } from '../../ports/lease-store.ts';
import { insertedId, returnedAttempts } from './inserted-id.ts';
import {
  endLease,
  NEVER_DISPATCHED,
  QUEUED_AGAIN,
  takeLease,
  UNFINISHED,
  unfinished,
} from './job-changes.ts';
import { isActiveLease, isLivingJob } from './living.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import { statement, type Writer } from './writer.ts';

export function createLeaseStore(database: Reader & Writer): LeaseStore {
  return {
    lease: async (drvPath, builder, attempts, chargedTo, at) => {
      const result = await database.write(takeLease({ drvPath, builder, chargedTo, at }, attempts));
      return result.kind === 'done' ? (insertedId(result, 0) as LeaseId) : undefined;
    },
    join: async (attempts, lease, startedAt) => {
      const running = { status: 'running', phase: 'build', started_at: startedAt } as const;
      await database.write([
        statement(
          unfinished(attempts)
            .set(({ selectFrom }) => ({
              lease_id: lease,
              builder: selectFrom('leases').select('builder').where('leases.id', '=', lease),
              ...(startedAt === null ? {} : running),
            }))
            .where(({ exists, selectFrom }) =>
              exists(
                selectFrom('leases')
                  .select('id')
                  .where('leases.id', '=', lease)
                  .where('state', '=', 'active'),
              ),
            ),
        ),
      ]);
    },
    begin: async (attempts, lease, at) => {
      await database.write([
        statement(
          sqlite
            .updateTable('leases')
            .set({ started_at: at })
            .where('id', '=', lease)
            .where('state', '=', 'active')
            .where('started_at', 'is', null),
        ),
        statement(unfinished(attempts).set({ status: 'running', phase: 'build', started_at: at })),
      ]);
    },
    carry: async (attempts, lease, phase, at) => {
      await database.write([
        statement(
          unfinished(attempts)
            .set({ status: 'running', phase, started_at: sql<number>`coalesce(started_at, ${at})` })
            .where('lease_id', '=', lease),
        ),
      ]);
    },
    requeue: async (attempts, lease, ending, at) => {
      await database.write([
        endLease(lease, ending === 'infrastructure' ? 'lost' : 'ended', ending, at),
        statement(unfinished(attempts).set(ending === 'returned' ? NEVER_DISPATCHED : QUEUED_AGAIN)),
      ]);
    },
    loseLeases: async (at, builders) => {
      const isLost =
        builders === 'all'
          ? sql<boolean>`true`
          : sql<boolean>`leases.builder in (select value from json_each(${JSON.stringify(builders)}))`;
      const result = await database.write([
        statement(
          sqlite
            .updateTable('jobs')
            .set(QUEUED_AGAIN)
            .where(isLivingJob)
            .where('status', '=', 'running')
            // One that nobody holds is lost too, whatever became of its lease.
            .where(({ not, exists, selectFrom }) =>
              not(
                exists(
                  selectFrom('leases')
                    .select('leases.id')
                    .whereRef('leases.id', '=', 'jobs.lease_id')
                    .where('leases.state', '=', 'active')
                    .where(({ not: isNot }) => isNot(isLost)),
                ),
              ),
            ),
        ),
        statement(
          sqlite
            .updateTable('leases')
            .set({ state: 'lost', ending: 'the coordinator stopped', ended_at: at })
            .where(isActiveLease)
            .where(isLost),
        ),
      ]);
      return result.kind === 'done' ? (result.changes[1] ?? 0) : 0;
    },
    loseLease: async (id, at, ending) => {
      const result = await database.write([
        { ...endLease(id, 'lost', ending, at), mustChange: true },
        statement(
          sqlite
            .updateTable('jobs')
            .set(QUEUED_AGAIN)
            .where('lease_id', '=', id)
            .where('status', 'in', UNFINISHED)
            .returning(['id', 'attempt']),
        ),
      ]);
      return returnedAttempts(result, 1);
    },
    activeLeases: () =>
      database
        .all(
          sqlite
            .selectFrom('leases')
            .select(['id', 'drv_path', 'builder', 'created_at', 'started_at'])
            .where(isActiveLease),
        )
        .toSorted((one, other) => one.id - other.id)
        .map((row) => ({
          id: row.id as LeaseId,
          drvPath: row.drv_path as DerivationPath,
          builder: row.builder,
          createdAt: toEpochMs(row.created_at),
          startedAt: row.started_at === null ? null : toEpochMs(row.started_at),
        })),
    recentUse: (since) =>
      new Map(
        database
          .all(
            sqlite
              .selectFrom('leases')
              .select([
                sql<number>`charged_to`.as('repository_id'),
                sql<number>`sum(ended_at - started_at)`.as('used_ms'),
              ])
              .where('ended_at', '>=', since)
              .where('charged_to', 'is not', null)
              .where('started_at', 'is not', null)
              .groupBy('charged_to'),
          )
          .map((row) => [row.repository_id as RepositoryId, row.used_ms]),
      ),
  };
}
