/**
 * Brings a database to this program's schema, one transaction a migration. A database that a newer program changed in
 * a breaking way is refused; one that it only added to is used as it is.
 */
import { AppError } from '@argunix/shared/kit/app-error';
import type Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { MIGRATIONS, type Migration } from './migrations/index.ts';

export async function migrate(
  database: Database.Database,
  now: number,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  database.exec(`create table if not exists migrations (
    number integer primary key, name text not null, is_breaking integer not null, applied_at integer not null) strict`);
  const applied = database
    .prepare<[], { number: number; name: string; is_breaking: number }>(
      'select number, name, is_breaking from migrations',
    )
    .all();
  const known = migrations.at(-1)?.number ?? 0;
  const newer = applied.find(({ number, is_breaking }) => number > known && is_breaking === 1);
  if (newer !== undefined) {
    throw new AppError(
      'store.newer',
      `The database went through migration ${newer.number} (${newer.name}), this program knows them up to ${known}. ` +
        'Start the newer argunix, or restore a backup made before the upgrade.',
      { found: newer.number, known },
    );
  }
  const done = new Set(applied.map(({ number }) => number));
  // Kysely's own driver on the one connection: the transaction below spans it because it never opens another.
  const kysely = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) });
  for (const migration of migrations.filter(({ number }) => !done.has(number))) {
    database.exec('begin immediate');
    try {
      await migration.up(kysely);
      database
        .prepare('insert into migrations (number, name, is_breaking, applied_at) values (?, ?, ?, ?)')
        .run(migration.number, migration.name, migration.isBreaking ? 1 : 0, now);
      database.exec('commit');
    } catch (error) {
      database.exec('rollback');
      throw error;
    }
  }
}
