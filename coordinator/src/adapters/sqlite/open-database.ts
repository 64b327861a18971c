/**
 * The one SQLite file: a thread of its own writes (group commit, so that many small transactions share one fsync and
 * the event loop never waits for a disk), this thread only reads, by indexed queries. `write` resolves when it is
 * durable; a read that starts afterwards sees it.
 */
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import Database from 'better-sqlite3';
import type { Compilable, CompiledQuery } from 'kysely';
import { takeInstanceLock } from './instance-lock.ts';
import { migrate } from './migrate.ts';
import { startWriter, type Writer } from './writer.ts';

export interface Reader {
  all<Row>(query: Compilable<Row>): Row[];
  first<Row>(query: Compilable<Row>): Row | undefined;
}

export interface OpenDatabase extends Reader, Writer {
  readonly path: string;
  close(): Promise<void>;
}

/** Throws `store.locked`, `store.newer`, `state-dir.unwritable` or, when the thread cannot start, `store.failed`. */
export async function openDatabase(stateDir: string, now: number): Promise<OpenDatabase> {
  const path = `${stateDir}/argunix.sqlite`;
  const releaseLock = takeInstanceLock(stateDir);
  try {
    await prepareFile(path, now);
    const connection = new Database(path, { readonly: true });
    connection.pragma('mmap_size = 268435456');
    const writer = await startWriter(path);
    const cache = new Map<string, Database.Statement>();
    const prepared = ({ sql }: CompiledQuery): Database.Statement => {
      const found = cache.get(sql) ?? connection.prepare(sql);
      cache.set(sql, found);
      return found;
    };
    return {
      path,
      all: <Row>(query: Compilable<Row>): Row[] => {
        const compiled = query.compile();
        return prepared(compiled).all(...compiled.parameters) as Row[];
      },
      first: <Row>(query: Compilable<Row>): Row | undefined => {
        const compiled = query.compile();
        return prepared(compiled).get(...compiled.parameters) as Row | undefined;
      },
      write: (unit) => writer.write(unit),
      close: async () => {
        await writer.close();
        connection.close();
        releaseLock();
      },
    };
  } catch (error) {
    releaseLock();
    throw error;
  }
}

async function prepareFile(path: string, now: number): Promise<void> {
  let connection: Database.Database | undefined;
  try {
    connection = new Database(path);
    connection.pragma('journal_mode = WAL');
    connection.pragma('synchronous = FULL');
    connection.pragma('foreign_keys = ON');
    await migrate(connection, now);
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) {
      throw error;
    }
    throw new AppError(
      'state-dir.unwritable',
      `state_dir: expected a database that can be written at ${path}, got ${messageOf(error)}`,
      { path },
      error,
    );
  } finally {
    connection?.close();
  }
}
