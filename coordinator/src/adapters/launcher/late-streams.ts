/** Streams that are there before what they read from and write to is. */
import type { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';

export interface LateReadable {
  readonly stream: Readable;
  attach(source: Socket): void;
  /** Whoever reads it sees its end now. */
  end(): void;
  bytesRead(): number;
}

export function lateReadable(): LateReadable {
  let source: Socket | undefined;
  let bytesRead = 0;
  let hasEnded = false;
  const stream = new Readable({
    read: () => source?.resume(),
    destroy(error, done) {
      hasEnded = true;
      source?.destroy();
      done(error);
    },
  });
  function end(): void {
    if (!hasEnded) {
      hasEnded = true;
      stream.push(null);
      // Who reads piece by piece, and wants no more of them, would never come to the end.
      stream.read(0);
      source?.destroy();
    }
  }
  return {
    stream,
    attach(given) {
      source = given;
      if (hasEnded) {
        given.destroy();
        return;
      }
      given.on('data', (chunk: Buffer) => {
        bytesRead += chunk.length;
        if (!hasEnded && !stream.push(chunk)) {
          given.pause();
        }
      });
      given.once('close', end);
    },
    end,
    bytesRead: () => bytesRead,
  };
}

export interface LateWritable {
  readonly stream: Writable;
  attach(target: Socket): void;
}

export function lateWritable(): LateWritable {
  const { promise: attached, resolve: attach } = Promise.withResolvers<Socket>();
  let target: Socket | undefined;
  // One write or end is under way at a time: it waits, and the stream keeps what comes after it.
  function whenThere(act: (socket: Socket) => void): void {
    if (target === undefined) {
      void attached.then(act);
    } else {
      act(target);
    }
  }
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => whenThere((socket) => socket.write(chunk, done)),
    final: (done) => whenThere((socket) => socket.end(done)),
    destroy(error, done) {
      whenThere((socket) => socket.destroy());
      done(error);
    },
  });
  // A program that ends before it read its input is seen by its ending, not by a broken pipe of ours.
  stream.on('error', () => undefined);
  return {
    stream,
    attach(socket) {
      target = socket;
      // Told to who writes, or to nobody.
      socket.on('error', () => undefined);
      socket.once('close', () => stream.destroy());
      attach(socket);
    },
  };
}
