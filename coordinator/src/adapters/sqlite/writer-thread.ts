/**
 * The only connection that writes. Everything that has arrived is applied in one transaction, each unit behind a
 * savepoint of its own, and answered after the commit: group commit. A unit that fails takes no other with it.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { messageOf } from '@argunix/shared/kit/app-error';
import Database from 'better-sqlite3';
import { createStatementCache } from './statement-cache.ts';
import type { BulkInsert, FromWriter, Statement, ToWriter, UnitResult, Write } from './writer.ts';

const { path, busyMs } = workerData as { path: string; busyMs: number };
const connection = new Database(path, { timeout: busyMs });
connection.pragma('synchronous = FULL');
connection.pragma('foreign_keys = ON');
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
// 32,766 is SQLite's limit of parameters; 100 rows at a time were within 3% of the fastest width measured.
const ROWS_PER_INSERT = 100;

type Result = UnitResult | { readonly kind: 'failed'; readonly message: string };

const port = parentPort;
if (port === null) {
  throw new Error('writer-thread runs only as a thread');
}
port.on('message', (first: ToWriter) => {
  const arrived: ToWriter[] = [first];
  for (let more = receiveMessageOnPort(port); more !== undefined; more = receiveMessageOnPort(port)) {
    arrived.push(more.message as ToWriter);
    if (arrived.length >= MAX_UNITS_PER_COMMIT) {
      break;
    }
  }
  const units = arrived.filter((message) => 'unit' in message);
  if (units.length > 0) {
    port.postMessage({ results: commit(units) } satisfies FromWriter);
  }
  if (arrived.some((message) => 'close' in message)) {
    connection.close();
    port.close();
  }
});
port.postMessage({ ready: true } satisfies FromWriter);

function commit(units: readonly Extract<ToWriter, { id: number }>[]): (readonly [number, Result])[] {
  try {
    connection.exec('begin immediate');
    const results = units.map(({ id, unit }) => [id, applyUnit(unit)] as const);
    connection.exec('commit');
    return results;
  } catch (error) {
    if (connection.inTransaction) {
      connection.exec('rollback');
    }
    return units.map(({ id }) => [id, { kind: 'failed', message: messageOf(error) }] as const);
  }
}

function applyUnit(unit: readonly Write[]): Result {
  begin.run();
  try {
    const changes: number[] = [];
    const rows: unknown[][] = [];
    for (const [at, write] of unit.entries()) {
      const outcome = 'bulk' in write ? insertMany(write) : runOne(write);
      if (!('bulk' in write) && write.mustChange === true && outcome.changes === 0) {
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
    if (!connection.inTransaction) {
      // A full disk undoes the transaction by itself: nothing of the group has happened, and nothing more may.
      throw error;
    }
    undo.run();
    release.run();
    return { kind: 'failed', message: messageOf(error) };
  }
}

interface Outcome {
  readonly changes: number;
  readonly rows: unknown[];
}

function runOne({ sql, parameters }: Statement): Outcome {
  const query = prepared(sql);
  if (query.reader) {
    const rows = query.all(...parameters);
    return { changes: rows.length, rows };
  }
  return { changes: query.run(...parameters).changes, rows: [] };
}

function insertMany({ bulk, width, values, returning }: BulkInsert): Outcome {
  const rows: unknown[] = [];
  const step = ROWS_PER_INSERT * width;
  for (let from = 0; from < values.length; from += step) {
    const part = values.slice(from, from + step);
    const row = `(${Array.from({ length: width }, () => '?').join(', ')})`;
    const all = Array.from({ length: part.length / width }, () => row).join(', ');
    const outcome = runOne({
      sql: `${bulk} values ${all}${returning === undefined ? '' : ` returning ${returning}`}`,
      parameters: part,
    });
    rows.push(...outcome.rows);
  }
  return { changes: values.length / width, rows };
}
