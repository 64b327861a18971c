/** This thread's end of the thread that reads deliveries: questions go over together, and their answers come together. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '@argunix/shared/kit/app-error';
import type { DeliveringKind, ReadDelivery } from '../ports/delivery-reader.ts';
import type { DeliveryHeaders } from '../ports/forge-deliveries.ts';

export type Question = {
  readonly kind: DeliveringKind;
  readonly body: Uint8Array;
} & (
  | { readonly what: 'peek' }
  | {
      readonly what: 'read';
      readonly headers: DeliveryHeaders;
      readonly secrets: readonly string[];
      readonly now: number;
    }
);

export type Answer =
  | { readonly what: 'peek'; readonly slug: string | undefined }
  | { readonly what: 'read'; readonly delivery: ReadDelivery };

export interface ReadingThread {
  /** In the order of the questions. What `taken` holds is empty afterwards. */
  ask(questions: readonly Question[], taken: readonly ArrayBuffer[]): Promise<readonly Answer[]>;
  /** Nothing was asked that it has not answered. */
  readonly isIdle: boolean;
  end(): Promise<void>;
}

export interface ReadingThreadOptions {
  readonly hangsMs: number;
  /** It ends when nothing was asked for so long. */
  readonly idleMs: number;
  /** Nothing can be asked of it any more; with the cause, unless it was to end. */
  onEnd(cause: unknown): void;
}

export function startReadingThread({ hangsMs, idleMs, onEnd }: ReadingThreadOptions): ReadingThread {
  const thread = new Worker(new URL(`./reading-thread${extname(import.meta.filename)}`, import.meta.url));
  // It keeps nothing alive that waits for none of its answers.
  thread.unref();
  let waiting: PromiseWithResolvers<readonly Answer[]>[] = [];
  let watchdog: NodeJS.Timeout | undefined;
  let isEnding = false;

  function watch(): void {
    clearTimeout(watchdog);
    watchdog = waiting.length === 0 ? setTimeout(rest, idleMs).unref() : setTimeout(terminate, hangsMs);
  }
  function terminate(): void {
    void thread.terminate();
  }
  /** It takes a moment to end, in which nobody may ask it. */
  function rest(): void {
    isEnding = true;
    onEnd(null);
    terminate();
  }
  function end(cause: unknown): void {
    onEnd(isEnding ? null : cause);
    isEnding = true;
    clearTimeout(watchdog);
    const unanswered = waiting;
    waiting = [];
    for (const { reject } of unanswered) {
      // Whoever sent it reads this; the log has the cause.
      reject(new AppError('busy', 'The delivery could not be read in time; send it again.', {}, cause));
    }
  }
  thread.on('message', (answers: readonly Answer[]) => {
    const answered = waiting.shift();
    watch();
    answered?.resolve(answers);
  });
  thread.on('error', end);
  thread.on('exit', (code) => end(`exit code ${code}`));
  return {
    get isIdle() {
      return waiting.length === 0;
    },
    ask: async (questions, taken) => {
      // First: what cannot go over waits for no answer, or it would get that of the next.
      thread.postMessage(questions, [...taken]);
      const { promise, resolve, reject } = Promise.withResolvers<readonly Answer[]>();
      if (waiting.push({ promise, resolve, reject }) === 1) {
        watch();
      }
      return await promise;
    },
    end: async () => {
      isEnding = true;
      await thread.terminate();
    },
  };
}
