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

/** Many rows through one prepared multi-row insert. `sql` ends before `values`. */
export interface BulkInsert {
  readonly bulk: string;
  readonly width: number;
  /** Row after row, flat. */
  readonly values: readonly Value[];
  readonly returning?: string;
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

export type ToWriter = { readonly id: number; readonly unit: readonly Write[] } | { readonly close: true };
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

export async function startWriter(path: string): Promise<Writer & { close(): Promise<void> }> {
  const thread = new Worker(new URL(`./writer-thread${extname(import.meta.filename)}`, import.meta.url), {
    workerData: { path },
  });
  const waiting = new Map<number, PromiseWithResolvers<UnitResult>>();
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let lastId = 0;
  let broken: AppError | undefined;

  function breakWith(cause: unknown): void {
    broken ??= new AppError('store.failed', `The database thread ended: ${String(cause)}`, {}, cause);
    ready.reject(broken);
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
    write: (unit) => {
      if (broken !== undefined) {
        return Promise.reject(broken);
      }
      lastId += 1;
      const promise = Promise.withResolvers<UnitResult>();
      waiting.set(lastId, promise);
      thread.postMessage({ id: lastId, unit } satisfies ToWriter);
      return promise.promise;
    },
    close: () => {
      thread.postMessage({ close: true } satisfies ToWriter);
      return ended.promise;
    },
  };
}
