/**
 * Gives bytes to a stream no faster than it takes them. Small pieces travel together: 8,000 derivations are 16,000
 * pieces, and a write of each would cost more than its bytes.
 */
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ByteSink {
  /** Resolves when more may be given. Rejects when the stream is gone. */
  write(bytes: Buffer): Promise<void>;
  /** What still waits for company goes now. */
  flush(): void;
}

export interface ByteSinkOptions {
  readonly input: Writable;
  readonly unsentBytes: () => number;
  /** Bytes left our hands. */
  readonly onMoved: () => void;
  readonly toError: (sentence: string) => Error;
}

const TOGETHER = 64 * 1024;
const LARGE = 16 * 1024;
// A stream says that it drains when it is empty, and then stands still until more comes: counted by its callbacks, the
// next bytes are there before. Twice the buffer of a pipe, and a good part of the window of an SSH channel.
const MAX_PENDING = 1024 * 1024;
// A fast link empties it in 5 ms; more would only be memory.
const MAX_UNSENT = 4 * 1024 * 1024;
const LOOK_AGAIN_MS = 2;

export function createByteSink({ input, unsentBytes, onMoved, toError }: ByteSinkOptions): ByteSink {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let isFlushPlanned = false;
  let pendingBytes = 0;
  let room: PromiseWithResolvers<void> | undefined;

  function hasRoom(): boolean {
    return pendingBytes <= MAX_PENDING;
  }
  function wake(): void {
    room?.resolve();
    room = undefined;
  }
  function give(bytes: Buffer): void {
    pendingBytes += bytes.length;
    input.write(bytes, () => {
      pendingBytes -= bytes.length;
      onMoved();
      wake();
    });
  }
  function flush(): void {
    if (waitingBytes > 0) {
      const together = Buffer.concat(waiting, waitingBytes);
      waiting = [];
      waitingBytes = 0;
      give(together);
    }
  }
  function planFlush(): void {
    if (!isFlushPlanned) {
      isFlushPlanned = true;
      setImmediate(() => {
        isFlushPlanned = false;
        if (!input.destroyed) {
          flush();
        }
      });
    }
  }
  async function untilRoom(): Promise<void> {
    while (!hasRoom()) {
      mustBeOpen();
      room ??= Promise.withResolvers();
      await room.promise;
    }
    for (let unsent = unsentBytes(); unsent > MAX_UNSENT; ) {
      await sleep(LOOK_AGAIN_MS);
      mustBeOpen();
      const now = unsentBytes();
      if (now < unsent) {
        onMoved();
      }
      unsent = now;
    }
  }
  function mustBeOpen(): void {
    if (input.destroyed || input.errored !== null) {
      throw toError(input.errored?.message ?? 'it is closed');
    }
  }
  // A stream that closes calls back for what it never wrote, but not every kind of stream does.
  input.once('close', wake);
  return {
    async write(bytes) {
      mustBeOpen();
      if (bytes.length < LARGE) {
        waiting.push(bytes);
        waitingBytes += bytes.length;
        if (waitingBytes < TOGETHER) {
          planFlush();
          return;
        }
      }
      flush();
      if (bytes.length >= LARGE) {
        give(bytes);
      }
      await untilRoom();
    },
    flush,
  };
}
