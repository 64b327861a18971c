/**
 * Empty files by the thousand, made and removed one after the other in a thread of their own: several that change one
 * directory at once only wait for its lock.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '../../kit/app-error.ts';

export interface RootFiles {
  /** Those that are there already stay. Rejects with the first trouble; the others are made nevertheless. */
  make(paths: readonly string[]): Promise<void>;
  /** Those that are gone already are no trouble. */
  remove(paths: readonly string[]): Promise<void>;
}

export interface ToRootFiles {
  readonly id: number;
  readonly make: readonly string[];
  readonly remove: readonly string[];
}

export interface FromRootFiles {
  readonly id: number;
  readonly trouble: string | null;
}

// Some 10 ms of work, and far from the 65,000 names that a file may have: what is made for an evaluation does not wait for all of an old one to be removed.
const BATCH = 500;
// The thread costs some MB and is ended when it has had nothing to do for so long.
const IDLE_MS = 10_000;

interface Running {
  readonly thread: Worker;
  readonly waiting: Map<number, PromiseWithResolvers<void>>;
}

export function createRootFiles(): RootFiles {
  let running: Running | undefined;
  let idle: NodeJS.Timeout | undefined;
  let lastId = 0;

  function start(): Running {
    const thread = new Worker(
      new URL(`./root-files-thread${extname(import.meta.filename)}`, import.meta.url),
    );
    const started: Running = { thread, waiting: new Map() };
    function end(cause: unknown): void {
      running = running === started ? undefined : running;
      for (const { reject } of started.waiting.values()) {
        reject(new AppError('nix.failed', `The thread that makes roots ended: ${String(cause)}`, {}, cause));
      }
      started.waiting.clear();
    }
    thread.on('message', ({ id, trouble }: FromRootFiles) => {
      const promise = started.waiting.get(id);
      started.waiting.delete(id);
      rest(started);
      if (trouble === null) {
        promise?.resolve();
      } else {
        promise?.reject(new AppError('nix.failed', `A root could not be made or removed: ${trouble}`));
      }
    });
    thread.on('error', end);
    thread.on('exit', (code) => end(`exit code ${code}`));
    return started;
  }
  /** Nothing waits for it: it keeps no program alive, and ends when that lasts. */
  function rest({ thread, waiting }: Running): void {
    if (waiting.size === 0) {
      thread.unref();
      idle = setTimeout(() => {
        running = undefined;
        void thread.terminate();
      }, IDLE_MS).unref();
    }
  }
  function ask(work: Pick<ToRootFiles, 'make' | 'remove'>): Promise<void> {
    running ??= start();
    clearTimeout(idle);
    running.thread.ref();
    lastId += 1;
    const promise = Promise.withResolvers<void>();
    running.waiting.set(lastId, promise);
    running.thread.postMessage({ id: lastId, ...work } satisfies ToRootFiles);
    return promise.promise;
  }

  return {
    async make(paths) {
      for (let from = 0; from < paths.length; from += BATCH) {
        await ask({ make: paths.slice(from, from + BATCH), remove: [] });
      }
    },
    async remove(paths) {
      for (let from = 0; from < paths.length; from += BATCH) {
        await ask({ make: [], remove: paths.slice(from, from + BATCH) });
      }
    },
  };
}
