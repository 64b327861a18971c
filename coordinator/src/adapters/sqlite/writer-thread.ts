/**
 * The only connection that writes. Everything that has arrived is applied in one transaction, each unit behind a
 * savepoint of its own, and answered after the commit: group commit. A unit that fails takes no other with it.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { messageOf } from '@argunix/shared/kit/app-error';
import Database from 'better-sqlite3';
import { createStatementCache } from './statement-cache.ts';
import type { BulkInsert, FromWriter, Statement, ToWriter, Unit, UnitResult, Write } from './writer.ts';

const { path, busyMs } = workerData as { path: string; busyMs: number };
const connection = new Database(path, { timeout: busyMs });
connection.pragma('synchronous = FULL');
connection.pragma('foreign_keys = ON');
// An evaluation of 50,000 jobs touches 20 MiB of indexes all over: with SQLite's 2 MiB they are read again and again.
connection.pragma('cache_size = -32768');
// A reader's snapshot can hold the log back; 16 MiB of it is where one more checkpoint costs less than a longer log.
connection.pragma('wal_autocheckpoint = 4000');
// Somebody who reads for long, as a backup does, lets the log grow; afterwards its file is cut back to this.
connection.pragma('journal_size_limit = 67108864');

const prepared = createStatementCache(connection);
// Around each of thousands of units a second: parsed once.
const begin = connection.prepare('savepoint unit');
const undo = connection.prepare('rollback to unit');
const release = connection.prepare('release unit');
const MAX_UNITS_PER_COMMIT = 1_000;
// 32,766 is SQLite's limit of parameters. Halved until it fits what is left: eight texts do for any number of rows.
const MOST_ROWS_PER_INSERT = 128;

type Result = UnitResult | { readonly kind: 'failed'; readonly message: string };

const port = parentPort;
if (port === null) {
  throw new Error('writer-thread runs only as a thread');
}
port.on('message', (first: ToWriter) => {
  const units: Unit[] = [];
  let isClosing = false;
  for (
    let message: ToWriter | undefined = first;
    message !== undefined;
    message =
      units.length < MAX_UNITS_PER_COMMIT
        ? (receiveMessageOnPort(port)?.message as ToWriter | undefined)
        : undefined
  ) {
    if ('units' in message) {
      units.push(...message.units);
    } else {
      isClosing = true;
    }
  }
  if (units.length > 0) {
    port.postMessage({ results: commit(units) } satisfies FromWriter);
  }
  if (isClosing) {
    connection.close();
    port.close();
  }
});
port.postMessage({ ready: true } satisfies FromWriter);

function commit(units: readonly Unit[]): (readonly [number, Result])[] {
  try {
    connection.exec('begin immediate');
    const results = units.map(({ id, writes }) => [id, apply(writes)] as const);
    connection.exec('commit');
    return results;
  } catch (error) {
    if (connection.inTransaction) {
      connection.exec('rollback');
    }
    return units.map(({ id }) => [id, { kind: 'failed', message: messageOf(error) }] as const);
  }
}

function apply(unit: readonly Write[]): Result {
  const [only, more] = unit;
  return only !== undefined && more === undefined && !('into' in only) ? applyOne(only) : applyAll(unit);
}

/** A statement that fails has undone itself, and one that changed nothing has nothing to undo. */
function applyOne(write: Statement): Result {
  try {
    const { changes, rows } = runOne(write);
    return write.mustChange === true && changes === 0
      ? { kind: 'refused', at: 0 }
      : { kind: 'done', changes: [changes], rows: [rows] };
  } catch (error) {
    return failed(error);
  }
}

function applyAll(unit: readonly Write[]): Result {
  begin.run();
  try {
    const changes: number[] = [];
    const rows: unknown[][] = [];
    for (const [at, write] of unit.entries()) {
      const outcome = 'into' in write ? insertMany(write) : runOne(write);
      if (!('into' in write) && write.mustChange === true && outcome.changes === 0) {
        undo.run();
        release.run();
        return { kind: 'refused', at };
      }
      changes.push(outcome.changes);
      rows.push(outcome.rows);
    }
    release.run();
    return { kind: 'done', changes, rows };
  } catch (error) {
    const result = failed(error);
    undo.run();
    release.run();
    return result;
  }
}

/** A full disk undoes the transaction by itself: nothing of the group has happened, and nothing more may. */
function failed(error: unknown): Result {
  if (!connection.inTransaction) {
    throw error;
  }
  return { kind: 'failed', message: messageOf(error) };
}

interface Outcome {
  readonly changes: number;
  readonly rows: unknown[];
}

function runOne({ sql, parameters }: Statement): Outcome {
  const query = prepared(sql);
  if (query.reader) {
    const rows = query.all(parameters);
    return { changes: rows.length, rows };
  }
  return { changes: query.run(parameters).changes, rows: [] };
}

function insertMany({ into, shared, columns, values }: BulkInsert): Outcome {
  const names = Object.keys(shared);
  const common = Object.values(shared);
  const total = values.length / columns.length;
  let rows = MOST_ROWS_PER_INSERT;
  for (let done = 0; done < total; done += rows) {
    while (rows > total - done) {
      rows /= 2;
    }
    const part = values.slice(done * columns.length, (done + rows) * columns.length);
    runOne({ sql: insertText(into, names, columns, rows), parameters: common.concat(part) });
  }
  return { changes: total, rows: [] };
}

function insertText(into: string, shared: readonly string[], own: readonly string[], rows: number): string {
  const common = shared.map(() => '?');
  const each = own.map((_column, at) => `column${at + 1}`);
  const row = `(${own.map(() => '?').join(', ')})`;
  return `insert into ${into} (${[...shared, ...own].join(', ')})
    select ${[...common, ...each].join(', ')} from (values ${Array.from({ length: rows }, () => row).join(', ')})`;
}
