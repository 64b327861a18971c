/**
 * Reads deliveries. A usual one is read where it is, in less time than it takes to hand it over. A large one goes to a
 * thread: 25 MB are hashed and parsed in half a second, and nobody else should wait for that.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '@argunix/shared/kit/app-error';
import { readDelivery } from '../flows/read-delivery.ts';
import type { DeliveringKind, DeliveryReader, ReadDelivery } from '../ports/delivery-reader.ts';
import type { DeliveryHeaders } from '../ports/forge-deliveries.ts';
import { dialectOf } from './dialects.ts';

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

/** In the order of the questions. */
export type Answer =
  | { readonly what: 'peek'; readonly slug: string | undefined }
  | { readonly what: 'read'; readonly delivery: ReadDelivery };

export interface ClosableReader extends DeliveryReader {
  close(): Promise<void>;
}

// All bodies in flight are 100 MB at the most, read in some seconds; longer is a thread that hangs.
const HANGS_MS = 30_000;

// A millisecond of reading.
const LARGE_BYTES = 256 * 1024;

export interface DeliveryReaderOptions {
  readonly hangsMs?: number;
}

export function createDeliveryReader({ hangsMs = HANGS_MS }: DeliveryReaderOptions = {}): ClosableReader {
  let running: ReadingThread | undefined;

  function ask(question: Question): Promise<Answer> {
    const thread =
      running ??
      startThread(hangsMs, () => {
        // It may end in two steps, with another begun in between.
        if (running === thread) {
          running = undefined;
        }
      });
    running = thread;
    return thread.ask(question);
  }
  return {
    read: async (delivery) => {
      const { kind, headers, body, now } = delivery;
      if (body.length < LARGE_BYTES) {
        return readDelivery(await dialectOf(kind), delivery);
      }
      const secrets = delivery.secrets.map((secret) => secret.reveal());
      const answer = await ask({ what: 'read', kind, headers, body, secrets, now });
      if (answer.what !== 'read') {
        throw new Error(`expected a delivery that was read, got ${answer.what}`);
      }
      return answer.delivery;
    },
    peekSlug: async (kind, body) => {
      if (body.length < LARGE_BYTES) {
        return (await dialectOf(kind)).peekSlug(body);
      }
      const answer = await ask({ what: 'peek', kind, body });
      return answer.what === 'peek' ? answer.slug : undefined;
    },
    close: async () => {
      await running?.end();
    },
  };
}

/** A body that is read is of no more use here, and is not held twice. */
function toTransfer({ what, body }: Question): ArrayBuffer[] {
  const { buffer } = body;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === body.byteLength;
  return what === 'read' && isWhole ? [buffer] : [];
}

interface ReadingThread {
  ask(question: Question): Promise<Answer>;
  end(): Promise<void>;
}

/** `onEnd`: nothing can be asked of it any more; the next question starts another. */
function startThread(hangsMs: number, onEnd: () => void): ReadingThread {
  const thread = new Worker(new URL(`./reading-thread${extname(import.meta.filename)}`, import.meta.url));
  // It keeps nothing alive that waits for none of its answers.
  thread.unref();
  let waiting: PromiseWithResolvers<Answer>[] = [];
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
  thread.on('message', (answer: Answer) => {
    const answered = waiting.shift();
    watch();
    answered?.resolve(answer);
  });
  thread.on('error', end);
  thread.on('exit', (code) => end(`exit code ${code}`));
  return {
    ask: (question) => {
      const promise = Promise.withResolvers<Answer>();
      if (waiting.push(promise) === 1) {
        watch();
      }
      thread.postMessage(question, toTransfer(question));
      return promise.promise;
    },
    end: async () => {
      await thread.terminate();
    },
  };
}
