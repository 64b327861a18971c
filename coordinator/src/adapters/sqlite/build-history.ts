import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import { sql } from 'kysely';
import type { BuildHistory, BuildTime } from '../../ports/build-history.ts';
import { inPieces } from './in-pieces.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import { type Statement, statement, type Writer } from './writer.ts';

// Enough for a mean, and read in a millisecond however many names there are.
const SAMPLE = 1_000;
// From the fifth on, the newest counts a fifth: a build that became twice as long is known for it after three.
const MEMORY = 5;

export function createBuildHistory(database: Reader & Writer): BuildHistory {
  return {
    expectedMs: (names) =>
      new Map(
        database
          .all(
            sqlite
              .selectFrom('build_times')
              .select(['name', 'average_ms'])
              .where(sql<boolean>`name in (select value from json_each(${JSON.stringify(names)}))`),
          )
          .map((row) => [row.name, row.average_ms]),
      ),
    averageMs: () =>
      database.first(
        sqlite
          .selectFrom(
            sqlite
              .selectFrom('build_times')
              .select('average_ms')
              .orderBy('updated_at', 'desc')
              .limit(SAMPLE)
              .as('latest'),
          )
          .select(({ fn }) => fn.avg<number | null>('average_ms').as('average')),
      )?.average ?? undefined,
    record: async (times, at) => {
      await database.write([recordTimes(times, at)]);
    },
    prune: (since) =>
      inPieces(database, (limit) =>
        statement(
          sqlite
            .deleteFrom('build_times')
            .where(
              'name',
              'in',
              sqlite.selectFrom('build_times').select('name').where('updated_at', '<', since).limit(limit),
            ),
        ),
      ),
  };
}

/** To be part of a larger change. */
export function recordTimes(times: readonly BuildTime[], at: EpochMs): Statement {
  const rows = JSON.stringify(times.map(({ name, tookMs }) => [name, Math.round(tookMs)]));
  return statement(
    sqlite
      .insertInto('build_times')
      .columns(['name', 'average_ms', 'builds', 'updated_at'])
      .expression(
        sqlite
          .selectFrom(sql<{ value: string }>`json_each(${rows})`.as('time'))
          // Without a condition, SQLite takes `on conflict` for that of a join.
          .where(sql<boolean>`true`)
          .select(({ val }) => [
            sql<string>`value ->> 0`.as('name'),
            sql<number>`value ->> 1`.as('average_ms'),
            sql<number>`1`.as('builds'),
            val(at).as('updated_at'),
          ]),
      )
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet({
          average_ms: sql`cast(round(build_times.average_ms + (excluded.average_ms - build_times.average_ms) * 1.0 / min(build_times.builds + 1, ${sql.lit(MEMORY)})) as integer)`,
          builds: sql`build_times.builds + 1`,
          updated_at: sql`excluded.updated_at`,
        }),
      ),
  );
}
