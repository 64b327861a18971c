/**
 * What a confined evaluator takes for the Nix daemon: session.ts on a socket of each evaluation's own, in a thread
 * beside this one, so that neither holds the other up. It reaches nothing that the daemon would refuse: the daemon
 * trusts nobody, us neither.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '@argunix/shared/kit/app-error';

export interface StoreFront {
  /** Rejects with `nix.failed` when something that an evaluator was told is in the store could not be put there. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface StoreFronts {
  /** Resolves when evaluators may connect to `socketPath`. */
  open(socketPath: string): Promise<StoreFront>;
  /** Ends the thread; a later `open` starts another. */
  close(): Promise<void>;
}

export interface ToFront {
  readonly id: number;
  readonly what: 'open' | 'settle' | 'close';
  readonly socketPath: string;
}

export interface FromFront {
  readonly id: number;
  readonly trouble: string | null;
}

// What a session may hold is bounded to some MB; many evaluations at once fit in.
const MAX_HEAP_MB = 256;

interface Running {
  ask(what: ToFront['what'], socketPath: string): Promise<void>;
  end(): Promise<void>;
}

export function createStoreFronts(daemonSocket: string): StoreFronts {
  let running: Running | undefined;

  function start(): Running {
    const thread = new Worker(new URL(`./thread${extname(import.meta.filename)}`, import.meta.url), {
      workerData: daemonSocket,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    // It keeps nothing alive that waits for none of its answers.
    thread.unref();
    const waiting = new Map<number, PromiseWithResolvers<void>>();
    let lastId = 0;
    thread.on('message', ({ id, trouble }: FromFront) => {
      const promise = waiting.get(id);
      waiting.delete(id);
      if (trouble === null) {
        promise?.resolve();
      } else {
        promise?.reject(new AppError('nix.failed', `The store did not take what was evaluated: ${trouble}`));
      }
    });
    function end(cause: unknown): void {
      running = undefined;
      for (const { reject } of waiting.values()) {
        reject(new AppError('nix.failed', `The way to the Nix daemon ended: ${String(cause)}`, {}, cause));
      }
      waiting.clear();
    }
    thread.on('error', end);
    thread.on('exit', (code) => end(`exit code ${code}`));
    return {
      ask(what, socketPath) {
        lastId += 1;
        const promise = Promise.withResolvers<void>();
        waiting.set(lastId, promise);
        thread.postMessage({ id: lastId, what, socketPath } satisfies ToFront);
        return promise.promise;
      },
      async end() {
        await thread.terminate();
      },
    };
  }

  return {
    async open(socketPath) {
      running ??= start();
      const opened = running;
      await opened.ask('open', socketPath);
      return {
        settled: () => opened.ask('settle', socketPath),
        close: () => opened.ask('close', socketPath),
      };
    },
    async close() {
      await running?.end();
    },
  };
}
