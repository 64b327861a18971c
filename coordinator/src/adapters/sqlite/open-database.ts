/**
 * The one SQLite file: a thread of its own writes (group commit, so that many small transactions share one fsync and
 * the event loop never waits for a disk), this thread only reads, by indexed queries. `write` resolves when it is
 * durable; a read that starts afterwards sees it.
 */
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import Database from 'better-sqlite3';
import type { Compilable } from 'kysely';
import { takeInstanceLock } from './instance-lock.ts';
import { migrate } from './migrate.ts';
import { createStatementCache } from './statement-cache.ts';
import { startWriter, type Writer, type WriterOptions } from './writer.ts';

export interface Reader {
  all<Row>(query: Compilable<Row>): Row[];
  first<Row>(query: Compilable<Row>): Row | undefined;
}

export interface OpenDatabase extends Reader, Writer {
  readonly path: string;
  /** Resolves when nothing can be written any more, though nobody closed it. */
  readonly broken: Promise<AppError>;
  close(): Promise<void>;
}

/**
 * `onLocked` is called when the state directory is this process's alone.
 * Throws `store.locked`, `store.newer`, `state-dir.unwritable` or, when the thread cannot start, `store.failed`.
 */
export async function openDatabase(
  stateDir: string,
  now: number,
  options: WriterOptions & { readonly onLocked?: () => void } = {},
): Promise<OpenDatabase> {
  const path = `${stateDir}/argunix.sqlite`;
  const releaseLock = takeInstanceLock(stateDir);
  options.onLocked?.();
  try {
    await prepareFile(path, now);
    const connection = new Database(path, { readonly: true });
    connection.pragma('mmap_size = 268435456');
    const writer = await startWriter(path, options);
    const prepared = createStatementCache(connection);
    return {
      path,
      broken: writer.broken,
      all: <Row>(query: Compilable<Row>): Row[] => {
        const compiled = query.compile();
        return prepared(compiled.sql).all(...compiled.parameters) as Row[];
      },
      first: <Row>(query: Compilable<Row>): Row | undefined => {
        const compiled = query.compile();
        return prepared(compiled.sql).get(...compiled.parameters) as Row | undefined;
      },
      write: (unit) => writer.write(unit),
      close: async () => {
        // The last to close empties the write-ahead log into the database, and a reader cannot.
        connection.close();
        await writer.close();
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
