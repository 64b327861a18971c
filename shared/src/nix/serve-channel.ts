/**
 * What an agent does with a channel on which the coordinator speaks the serve protocol: it joins it to the process. The
 * process answers 8,000 paths with 8,000 times eight bytes; sent as they come, each is a packet with a cipher of its own,
 * on both sides. So an answer goes at once after a silence, and otherwise with those of the next milliseconds.
 */
import type { Duplex, Readable, Writable } from 'node:stream';
import { Transform } from 'node:stream';
import { compressedDuplex } from './compressed-duplex.ts';

export type ServeCompression = 'none' | 'zstd';

export interface ServeProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
}

/** Returns the stream that was joined: to be destroyed with the channel. The process is the caller's to end. */
export function joinServeChannel(
  channel: Duplex,
  { stdin, stdout }: ServeProcess,
  compression: ServeCompression,
): Duplex {
  const stream = compression === 'zstd' ? compressedDuplex(channel) : channel;
  // Either may go first; who looks at the process and the channel sees it.
  for (const part of [stream, stdin, stdout]) {
    part.on('error', () => undefined);
  }
  stream.pipe(stdin);
  stdout.pipe(gather()).pipe(stream);
  // What a process still says to nobody would keep it from ever being seen as ended.
  stream.on('close', () => {
    stdin.destroy();
    stdout.destroy();
  });
  return stream;
}

const TOGETHER = 16 * 1024;
const GATHER_MS = 4;

function gather(): Transform {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let sentAt = 0;
  let timer: NodeJS.Timeout | undefined;
  function send(this: Transform): void {
    clearTimeout(timer);
    timer = undefined;
    if (waitingBytes > 0) {
      this.push(Buffer.concat(waiting, waitingBytes));
      waiting = [];
      waitingBytes = 0;
    }
    sentAt = performance.now();
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      waiting.push(chunk);
      waitingBytes += chunk.length;
      if (waitingBytes >= TOGETHER || performance.now() - sentAt >= GATHER_MS) {
        send.call(this);
      } else {
        timer ??= setTimeout(() => send.call(this), GATHER_MS);
      }
      done();
    },
    flush(done) {
      send.call(this);
      done();
    },
    destroy(error, done) {
      clearTimeout(timer);
      done(error);
    },
  });
}
