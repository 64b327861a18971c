/** This thread's end of the writing thread: a unit of statements goes over, its results come back when they are durable. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '@argunix/shared/kit/app-error';
import type { Compilable } from 'kysely';

export type Value = string | number | bigint | null;

/** One statement of a unit. With `mustChange`, a statement that changes no row undoes the whole unit: the guard of a transition. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly Value[];
  readonly mustChange?: boolean;
}

/** Many rows through prepared multi-row inserts. What all rows share travels and is bound once: see `bulkInsert`. */
export interface BulkInsert {
  readonly into: string;
  readonly shared: Readonly<Record<string, Value>>;
  readonly columns: readonly string[];
  /** Of `columns`, row after row, flat. */
  readonly values: readonly Value[];
}

export type Write = Statement | BulkInsert;

export type UnitResult =
  | {
      readonly kind: 'done';
      readonly changes: readonly number[];
      readonly rows: readonly (readonly unknown[])[];
    }
  /** The guard at this place found nothing to change; nothing of the unit happened. */
  | { readonly kind: 'refused'; readonly at: number };

export interface Writer {
  /** All of `unit` in one transaction, in the order of the calls. Rejects with `store.failed`. */
  write(unit: readonly Write[]): Promise<UnitResult>;
}

export interface Unit {
  readonly id: number;
  readonly writes: readonly Write[];
}

export type ToWriter = { readonly units: readonly Unit[] } | { readonly close: true };
export type FromWriter =
  | { readonly ready: true }
  | {
      readonly results: readonly (readonly [
        id: number,
        result: UnitResult | { readonly kind: 'failed'; readonly message: string },
      ])[];
    };

export function statement(query: Compilable, options: { readonly mustChange?: boolean } = {}): Statement {
  const { sql, parameters } = query.compile();
  return { sql, parameters: parameters as readonly Value[], ...options };
}

export function guarded(query: Compilable): Statement {
  return statement(query, { mustChange: true });
}

/**
 * `columns` hold one value for all rows, or one for each; the first tells rows apart. To bind a value costs as much as
 * to store it, and most columns of a batch hold the same in every row: only what differs is sent row by row.
 */
export function bulkInsert(
  into: string,
  rows: number,
  columns: Readonly<Record<string, Value | readonly Value[]>>,
): BulkInsert {
  const shared: Record<string, Value> = {};
  const own: (readonly [string, readonly Value[]])[] = [];
  for (const [column, held] of Object.entries(columns)) {
    if (!isMany(held)) {
      shared[column] = held;
    } else if (own.length > 0 && held.every((value) => value === held[0])) {
      shared[column] = held[0] ?? null;
    } else {
      own.push([column, held]);
    }
  }
  const values: Value[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (const [, held] of own) {
      values.push(held[row] ?? null);
    }
  }
  return { into, shared, columns: own.map(([column]) => column), values };
}

function isMany(held: Value | readonly Value[]): held is readonly Value[] {
  return Array.isArray(held);
}

export interface WriterOptions {
  /** How long a unit waits for somebody else who holds the database. */
  readonly busyMs?: number;
  /** Units that were handed over and not answered; one more is refused. */
  readonly mostWaiting?: number;
}

export interface StartedWriter extends Writer {
  readonly broken: Promise<AppError>;
  close(): Promise<void>;
}

// A backup or a person with sqlite3 holds it for moments.
const BUSY_MS = 5_000;
// At 5,000 units a second, so much is behind a disk that stood still for some seconds; more only fills the memory.
const MOST_WAITING = 20_000;

export async function startWriter(path: string, options: WriterOptions = {}): Promise<StartedWriter> {
  const { busyMs = BUSY_MS, mostWaiting = MOST_WAITING } = options;
  const thread = new Worker(new URL(`./writer-thread${extname(import.meta.filename)}`, import.meta.url), {
    workerData: { path, busyMs },
  });
  const waiting = new Map<number, PromiseWithResolvers<UnitResult>>();
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const isBroken = Promise.withResolvers<AppError>();
  // What one turn of the event loop writes goes over in one message: each costs as much as a small unit.
  let gathered: Unit[] = [];
  let isClosing = false;
  let lastId = 0;
  let broken: AppError | undefined;

  function handOver(): void {
    const units = gathered;
    gathered = [];
    if (units.length > 0) {
      thread.postMessage({ units } satisfies ToWriter);
    }
  }

  function breakWith(cause: unknown): void {
    broken ??= new AppError('store.failed', `The database thread ended: ${String(cause)}`, {}, cause);
    ready.reject(broken);
    if (!isClosing) {
      isBroken.resolve(broken);
    }
    for (const { reject } of waiting.values()) {
      reject(broken);
    }
    waiting.clear();
  }
  thread.on('message', (message: FromWriter) => {
    if ('ready' in message) {
      ready.resolve();
      return;
    }
    for (const [id, result] of message.results) {
      const promise = waiting.get(id);
      waiting.delete(id);
      if (result.kind === 'failed') {
        promise?.reject(new AppError('store.failed', `The database could not be written: ${result.message}`));
      } else {
        promise?.resolve(result);
      }
    }
  });
  thread.on('error', breakWith);
  thread.on('exit', (code) => {
    breakWith(`exit code ${code}`);
    ended.resolve();
  });
  await ready.promise;
  return {
    broken: isBroken.promise,
    write: (unit) => {
      if (broken !== undefined) {
        return Promise.reject(broken);
      }
      if (waiting.size >= mostWaiting) {
        return Promise.reject(
          new AppError('store.failed', `The database is behind: ${mostWaiting} changes wait to be written.`),
        );
      }
      lastId += 1;
      const promise = Promise.withResolvers<UnitResult>();
      waiting.set(lastId, promise);
      if (gathered.push({ id: lastId, writes: unit }) === 1) {
        setImmediate(handOver);
      }
      return promise.promise;
    },
    close: () => {
      isClosing = true;
      handOver();
      thread.postMessage({ close: true } satisfies ToWriter);
      return ended.promise;
    },
  };
}
