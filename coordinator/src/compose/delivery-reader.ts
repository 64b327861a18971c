/**
 * Reads deliveries. A usual one is read where it is, in less time than it takes to hand it over; of many that come at
 * once a thread reads a part meanwhile. A large one is the thread's: 25 MB are hashed and parsed in half a second, and
 * nobody else should wait for that.
 */
import type { Logger } from '@argunix/shared/kit/logger';
import { readDelivery } from '../flows/read-delivery.ts';
import type {
  DeliveringKind,
  DeliveryReader,
  ReadDelivery,
  SignedDelivery,
} from '../ports/delivery-reader.ts';
import type { DeliveryDialect } from '../ports/forge-deliveries.ts';
import { dialectOf } from './dialects.ts';
import {
  type Answer,
  type Question,
  type ReadingThread,
  startReadingThread,
} from './start-reading-thread.ts';

export interface ClosableReader extends DeliveryReader {
  close(): Promise<void>;
}

// All bodies in flight are 100 MB at the most, read in some seconds; longer is a thread that hangs.
const HANGS_MS = 30_000;

// It holds 26 MB.
const IDLE_MS = 60_000;
// A millisecond of reading.
const LARGE_BYTES = 256 * 1024;
// So many at once are a millisecond, too; fewer are not worth waking anybody.
const MANY = 8;
// Four milliseconds: then others have their turn.
const MOST_AT_ONCE_BYTES = 1024 * 1024;

// Of the many that a flood brings in that time, none begins another.
const RESTS_MS = 10_000;

export interface DeliveryReaderOptions {
  readonly log: Logger;
  readonly hangsMs?: number;
  readonly idleMs?: number;
}

interface Waiting {
  readonly delivery: SignedDelivery;
  readonly dialect: DeliveryDialect;
  resolve(delivery: ReadDelivery): void;
  reject(error: unknown): void;
}

export function createDeliveryReader({
  log,
  hangsMs = HANGS_MS,
  idleMs = IDLE_MS,
}: DeliveryReaderOptions): ClosableReader {
  let running: ReadingThread | undefined;
  /** What came in this turn of the event loop. */
  const together: Waiting[] = [];
  /** One that ended by itself is begun again for who needs it, not for a crowd. */
  let restsUntil = 0;

  function thread(): ReadingThread {
    const current =
      running ??
      startReadingThread({
        hangsMs,
        idleMs,
        onEnd: (cause) => {
          if (cause !== null) {
            restsUntil = performance.now() + RESTS_MS;
            log.warn(
              { err: cause },
              'the thread that reads deliveries ended; whatever needs it next begins it again',
            );
          }
          // It may end in two steps, with another begun in between.
          if (running === current) {
            running = undefined;
          }
        },
      });
    running = current;
    return current;
  }
  async function askAlone(question: Question): Promise<Answer | undefined> {
    const [answer] = await thread().ask([question], toTransfer(question));
    return answer;
  }
  /** One that has not begun yet is made ready for the next crowd: this one is read sooner here. */
  function isThreadFree(kind: DeliveringKind): boolean {
    if (running === undefined && performance.now() >= restsUntil) {
      askAlone({ what: 'peek', kind, body: new Uint8Array() }).catch(() => undefined);
      return false;
    }
    return running?.isIdle === true;
  }
  function readTogether(): void {
    const all = taken(together);
    if (together.length > 0) {
      setImmediate(readTogether);
    }
    const [first] = all;
    const isShared = all.length >= MANY && first !== undefined && isThreadFree(first.delivery.kind);
    const half = isShared ? Math.floor(all.length / 2) : 0;
    if (isShared) {
      readElsewhere(all.slice(0, half));
    }
    readHere(all.slice(half));
  }
  function readElsewhere(some: readonly Waiting[]): void {
    const { questions, bytes } = packed(some.map(({ delivery }) => delivery));
    thread()
      .ask(questions, [bytes])
      .then(
        (answers) => {
          for (const [at, one] of some.entries()) {
            settle(one, answers[at]);
          }
        },
        // That it ended is no reason to send them back.
        () => readHere(some),
      );
  }

  return {
    read: async (delivery) => {
      const { kind, headers, body, now } = delivery;
      if (body.length < LARGE_BYTES) {
        const dialect = await dialectOf(kind);
        const { promise, resolve, reject } = Promise.withResolvers<ReadDelivery>();
        if (together.push({ delivery, dialect, resolve, reject }) === 1) {
          setImmediate(readTogether);
        }
        return await promise;
      }
      const secrets = delivery.secrets.map((secret) => secret.reveal());
      return readIn(await askAlone({ what: 'read', kind, headers, body, secrets, now }));
    },
    peekSlug: async (kind, body) => {
      if (body.length < LARGE_BYTES) {
        return (await dialectOf(kind)).peekSlug(body);
      }
      const answer = await askAlone({ what: 'peek', kind, body });
      return answer?.what === 'peek' ? answer.slug : undefined;
    },
    close: async () => {
      await running?.end();
    },
  };
}

/** From the front, and one at the least. */
function taken(waiting: Waiting[]): readonly Waiting[] {
  let count = 0;
  for (let bytes = 0; count < waiting.length && bytes < MOST_AT_ONCE_BYTES; count += 1) {
    bytes += waiting[count]?.delivery.body.length ?? 0;
  }
  return waiting.splice(0, count);
}

function readHere(some: readonly Waiting[]): void {
  for (const { delivery, dialect, resolve, reject } of some) {
    try {
      resolve(readDelivery(dialect, delivery));
    } catch (error) {
      reject(error);
    }
  }
}

function settle({ resolve, reject }: Waiting, answer: Answer | undefined): void {
  try {
    resolve(readIn(answer));
  } catch (error) {
    reject(error);
  }
}

function readIn(answer: Answer | undefined): ReadDelivery {
  if (answer?.what !== 'read') {
    throw new Error(`expected a delivery that was read, got ${answer?.what}`);
  }
  return answer.delivery;
}

/** Their bodies as one piece of memory, which goes over as it is. */
function packed(deliveries: readonly SignedDelivery[]): {
  readonly questions: readonly Question[];
  readonly bytes: ArrayBuffer;
} {
  const bytes = new ArrayBuffer(deliveries.reduce((sum, { body }) => sum + body.length, 0));
  let end = 0;
  const questions = deliveries.map(({ kind, headers, body, secrets, now }): Question => {
    const copy = new Uint8Array(bytes, end, body.length);
    copy.set(body);
    end += body.length;
    return { what: 'read', kind, headers, body: copy, secrets: secrets.map((one) => one.reveal()), now };
  });
  return { questions, bytes };
}

/** A body that is read is of no more use here, and is not held twice. */
function toTransfer({ what, body }: Question): ArrayBuffer[] {
  const { buffer } = body;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === body.byteLength;
  return what === 'read' && isWhole ? [buffer] : [];
}
