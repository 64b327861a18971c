/**
 * Responses that last: event streams and long downloads. All together they are bounded in number, each holds one
 * chunk beside its socket's own buffer, and all of them end within a bound when the coordinator stops.
 */
import type { ServerResponse } from 'node:http';
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import type { FastifyReply } from 'fastify';

export interface OpenResponseLimits {
  readonly maxResponses: number;
  readonly keepAliveMs: number;
  /** A reader that takes nothing for so long is cut off. */
  readonly stallMs: number;
  /** How long the last bytes may take when the coordinator stops. */
  readonly closeMs: number;
}

export const USUAL_RESPONSE_LIMITS: OpenResponseLimits = {
  maxResponses: 500,
  keepAliveMs: 15_000,
  stallMs: 60_000,
  closeMs: 2_000,
};

export interface OpenResponse {
  readonly headers: Readonly<Record<string, string>>;
  /** Sent when nothing else was for a while. */
  readonly keepAlive?: Buffer;
  /** Sent last when the coordinator stops. Without it the connection is cut, so that nobody takes a part for the whole. */
  readonly farewell?: Buffer;
  /** Each chunk is asked for when the one before it was taken. Ends soon after the signal aborts. */
  produce(signal: AbortSignal): AsyncIterable<Buffer>;
}

export interface OpenResponses {
  /** Throws `overloaded` when there are too many. */
  send(reply: FastifyReply, response: OpenResponse): void;
  /** Resolves when the last of them is gone; new ones are refused. Idempotent. */
  close(): Promise<void>;
}

interface Sending {
  readonly raw: ServerResponse;
  readonly response: OpenResponse;
  readonly abort: AbortController;
  readonly gone: Promise<void>;
  isWaiting: boolean;
  hasSent: boolean;
}

export function createOpenResponses(limits: OpenResponseLimits, logger: Logger): OpenResponses {
  const sendings = new Set<Sending>();
  const nextTurn = createTurns();
  let isClosing = false;
  const keepAlive = setInterval(keepAllAlive, limits.keepAliveMs);
  keepAlive.unref();

  function keepAllAlive(): void {
    for (const sending of sendings) {
      const { raw, response } = sending;
      const isIdle = !sending.hasSent && !sending.isWaiting && !raw.writableEnded;
      if (isIdle && response.keepAlive !== undefined) {
        raw.write(response.keepAlive);
      }
      sending.hasSent = false;
    }
  }
  async function run(sending: Sending): Promise<void> {
    const { raw, response, abort } = sending;
    for await (const chunk of response.produce(abort.signal)) {
      await nextTurn();
      if (abort.signal.aborted) {
        return;
      }
      sending.hasSent = true;
      if (!raw.write(chunk)) {
        sending.isWaiting = true;
        await drained(raw, abort.signal, limits.stallMs);
        sending.isWaiting = false;
      }
    }
  }
  function finish({ raw, response }: Sending): void {
    if (!isClosing) {
      raw.end();
    } else if (response.farewell === undefined) {
      raw.destroy();
    } else {
      raw.end(response.farewell);
    }
  }
  return {
    send(reply, response) {
      if (isClosing || sendings.size >= limits.maxResponses) {
        const why = isClosing
          ? 'the coordinator is stopping'
          : `${limits.maxResponses} readers are connected`;
        throw new AppError('busy', `${why}; try again in a moment`);
      }
      reply.hijack();
      const { raw } = reply;
      const gone = new Promise<void>((resolve) => raw.once('close', resolve));
      const sending = { raw, response, abort: new AbortController(), gone, isWaiting: false, hasSent: false };
      sendings.add(sending);
      raw.once('close', () => {
        sendings.delete(sending);
        sending.abort.abort();
      });
      raw.on('error', () => raw.destroy());
      raw.writeHead(200, {
        ...response.headers,
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
      });
      raw.flushHeaders();
      run(sending).then(
        () => finish(sending),
        (error: unknown) => {
          logger.warn({ reason: messageOf(error) }, 'a response broke off');
          raw.destroy();
        },
      );
    },
    async close() {
      isClosing = true;
      clearInterval(keepAlive);
      const left = [...sendings];
      for (const { abort } of left) {
        abort.abort();
      }
      const cut = setTimeout(() => {
        for (const { raw } of sendings) {
          raw.destroy();
        }
      }, limits.closeMs);
      await Promise.all(left.map(async ({ gone }) => await gone));
      clearTimeout(cut);
    },
  };
}

/** Resolves when the response takes more, is gone, or was cut off because it took nothing for too long. */
async function drained(raw: ServerResponse, signal: AbortSignal, stallMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const stall = setTimeout(() => raw.destroy(), stallMs);
    function settle(): void {
      clearTimeout(stall);
      raw.off('drain', settle);
      signal.removeEventListener('abort', settle);
      resolve();
    }
    raw.once('drain', settle);
    signal.addEventListener('abort', settle, { once: true });
  });
}

// One write of 150 KiB to a local socket takes about 0.1 ms: eight of them leave room for everybody else.
const WRITES_PER_TURN = 8;

/** Lets the event loop breathe when one chunk goes to hundreds of readers. */
function createTurns(): () => Promise<void> {
  const waiting: (() => void)[] = [];
  let isScheduled = false;

  function schedule(): void {
    if (!isScheduled && waiting.length > 0) {
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        for (const resume of waiting.splice(0, WRITES_PER_TURN)) {
          resume();
        }
        schedule();
      });
    }
  }
  return async () => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      schedule();
    });
  };
}
