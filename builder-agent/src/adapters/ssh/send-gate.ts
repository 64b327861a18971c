/**
 * What goes out on a channel, no faster than the network takes it. ssh2 does not heed what its socket answers to a
 * write: without this, as much as the windows of all channels allow would wait in memory.
 */
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';

const MAX_UNSENT_BYTES = 1024 * 1024;

export function createSendGate(channel: Writable, socket: Socket, gone: AbortSignal): Writable {
  const gate = new Writable({
    highWaterMark: 256 * 1024,
    write(chunk: Buffer, _encoding, done) {
      if (gone.aborted) {
        done(new Error('the channel is gone'));
        return;
      }
      const finish = once(done, gone);
      channel.write(chunk, () => {
        if (socket.writableLength > MAX_UNSENT_BYTES && !socket.destroyed) {
          socket.once('drain', finish);
        } else {
          finish();
        }
      });
    },
    final(done) {
      const finish = once(done, gone);
      if (channel.writableFinished || gone.aborted) {
        finish();
      } else {
        channel.once('finish', finish);
        channel.end();
      }
    },
  });
  // Whoever pipes into it is told by its pipe.
  gate.on('error', () => undefined);
  return gate;
}

/** A channel that is gone answers nothing any more. */
function once(done: (error?: Error | null) => void, gone: AbortSignal): () => void {
  let isDone = false;
  const onGone = (): void => end(new Error('the channel is gone'));
  function end(error?: Error): void {
    if (!isDone) {
      isDone = true;
      gone.removeEventListener('abort', onGone);
      done(error);
    }
  }
  gone.addEventListener('abort', onGone);
  return () => end();
}
