import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { JobId, LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { sql } from 'kysely';
import type { FailedBuilds } from '../../ports/failed-builds.ts';
import type { EndedLease } from '../../ports/job-store.ts';
import { inPieces } from './in-pieces.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import { type Statement, statement, type Writer } from './writer.ts';

export function createFailedBuilds(database: Reader & Writer): FailedBuilds {
  return {
    find: (drvPaths, isTrusted, since) =>
      // Newer ones overwrite older ones of the other level.
      new Map(
        database
          .all(
            sqlite
              .selectFrom('failed_builds')
              .selectAll()
              .where(isOneOf(drvPaths))
              .where('is_trusted', 'in', isTrusted ? [1] : [0, 1])
              .where('failed_at', '>=', since),
          )
          .toSorted((one, other) => one.failed_at - other.failed_at)
          .map((row) => [
            row.drv_path as DerivationPath,
            {
              failedAt: toEpochMs(row.failed_at),
              reason: row.reason,
              jobId: row.job_id as JobId | null,
              leaseId: row.lease_id as LeaseId | null,
            },
          ]),
      ),
    forget: async (drvPaths) => {
      await database.write([statement(sqlite.deleteFrom('failed_builds').where(isOneOf(drvPaths)))]);
    },
    prune: (since) =>
      inPieces(database, (limit) =>
        statement(
          sqlite
            .deleteFrom('failed_builds')
            .where(
              sql<boolean>`(drv_path, is_trusted) in (select drv_path, is_trusted from failed_builds where failed_at < ${since} limit ${limit})`,
            ),
        ),
      ),
  };
}

function isOneOf(drvPaths: readonly DerivationPath[]) {
  return sql<boolean>`drv_path in (select value from json_each(${JSON.stringify(drvPaths)}))`;
}

/** What the end of a lease says about later builds of its derivation. To be part of a larger change. */
export function rememberFailure({ id, failedBuild, built }: EndedLease, at: EpochMs): readonly Statement[] {
  if (failedBuild !== undefined && failedBuild !== null) {
    const row = { failed_at: at, reason: failedBuild.reason, job_id: failedBuild.jobId, lease_id: id };
    return [
      statement(
        sqlite
          .insertInto('failed_builds')
          .values({ ...row, drv_path: failedBuild.drvPath, is_trusted: failedBuild.isTrusted ? 1 : 0 })
          .onConflict((conflict) => conflict.columns(['drv_path', 'is_trusted']).doUpdateSet(row)),
      ),
    ];
  }
  // What was built does not fail each time.
  return built === undefined || built === null
    ? []
    : [
        statement(
          sqlite
            .deleteFrom('failed_builds')
            .where('drv_path', 'in', sqlite.selectFrom('leases').select('drv_path').where('id', '=', id)),
        ),
      ];
}
