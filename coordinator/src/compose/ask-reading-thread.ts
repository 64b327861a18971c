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

/** `onEnd`: nothing can be asked of it any more; the next question starts another. */
export function startReadingThread(hangsMs: number, onEnd: () => void): ReadingThread {
  const thread = new Worker(new URL(`./reading-thread${extname(import.meta.filename)}`, import.meta.url));
  // It keeps nothing alive that waits for none of its answers.
  thread.unref();
  let waiting: PromiseWithResolvers<readonly Answer[]>[] = [];
  let watchdog: NodeJS.Timeout | undefined;

  function watch(): void {
    clearTimeout(watchdog);
    watchdog = waiting.length === 0 ? undefined : setTimeout(() => void thread.terminate(), hangsMs);
  }
  function end(cause: unknown): void {
    onEnd();
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
    ask: (questions, taken) => {
      const promise = Promise.withResolvers<readonly Answer[]>();
      if (waiting.push(promise) === 1) {
        watch();
      }
      thread.postMessage(questions, [...taken]);
      return promise.promise;
    },
    end: async () => {
      await thread.terminate();
    },
  };
}
