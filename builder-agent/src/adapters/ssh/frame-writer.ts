/**
 * Writes frames to the control channel. What SSH's window does not take now waits here, in order; a sign of life does
 * not wait behind it, and is left out where the one before it has not gone yet.
 */
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

export interface FrameWriter {
  write(line: string): void;
  /** Whether it went. */
  writeAhead(line: string): boolean;
}

// What the kernel does not take: far more than what one round trip needs, far less than what matters.
const MAX_UNSENT_BYTES = 256 * 1024;

export function createFrameWriter(channel: Writable, socket: Socket): FrameWriter {
  const waiting: string[] = [];
  let isAheadWaiting = false;

  function isFull(): boolean {
    return channel.writableLength > 0 || socket.writableLength > MAX_UNSENT_BYTES;
  }
  function flush(): void {
    while (waiting.length > 0 && !isFull()) {
      channel.write(waiting.shift(), flush);
    }
  }
  socket.on('drain', flush);
  return {
    write(line) {
      waiting.push(line);
      flush();
    },
    writeAhead(line) {
      if (isAheadWaiting) {
        return false;
      }
      isAheadWaiting = true;
      channel.write(line, () => {
        isAheadWaiting = false;
        flush();
      });
      return true;
    },
  };
}
