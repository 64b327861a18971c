/**
 * One evaluator's connection to the daemon. A derivation is answered at once, with the path that the daemon will give
 * it, and handed on without waiting: Nix asks the store for nothing else as often, and each answer costs it two
 * changes of process and a commit. Everything else goes through as it is, after the daemon has confirmed all that was
 * answered before: so no answer tells what is not so. What the daemon refuses, or puts elsewhere than expected, ends
 * the connection, and `settled` tells it.
 */
import type { Socket } from 'node:net';
import { encodeAdded, encodeRefusal, readAdded } from './answers.ts';
import { type Request, readRequest, VERSION } from './requests.ts';
import { textInfo } from './text-path.ts';
import { Cursor, encode, SHORT, word } from './wire.ts';

export interface Session {
  /** Resolves when all that was answered so far is in the store, and rejects when some of it is not. */
  settled(): Promise<void>;
  close(): void;
}

const MAGIC_1 = 0x6e697863;
const MAGIC_2 = 0x6478696f;
// A derivation of nixpkgs has some kB; beyond this it is handed through as any other file.
const MAX_TEXT_BYTES = 512 * 1024;
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
// Answered and not confirmed. The daemon needs some 100 ms for so many, the longest that another request waits.
const MAX_PENDING = 512;
const MAX_PENDING_BYTES = 4 * 1024 * 1024;
// Several derivations go to the daemon in one write.
const GATHER_MS = 1;
const GATHER_BYTES = 32 * 1024;

interface Pending {
  readonly path: string;
  readonly size: number;
}

export function startSession(client: Socket, daemon: Socket, onEnd: (lost?: Error) => void): Session {
  const pending: Pending[] = [];
  let pendingBytes = 0;
  let confirmed = 0;
  let waiting: { readonly at: number; readonly settle: (error?: Error) => void }[] = [];
  let fromClient: Buffer = Buffer.alloc(0);
  let fromDaemon: Buffer = Buffer.alloc(0);
  let reading: (() => boolean) | undefined = readMagic;
  let isGreeted = false;
  let frameLeft = 0;
  let failure: Error | undefined;
  let gathering: NodeJS.Timeout | undefined;
  let hasEnded = false;

  function readMagic(): boolean {
    if (take(8).readUInt32LE() !== MAGIC_1) {
      throw new Error('expected a Nix that asks a daemon');
    }
    daemon.write(encode([MAGIC_1]));
    reading = undefined;
    return false;
  }
  /** The daemon's version came: ours is told, and the client's is not older, as it is our own Nix. */
  function readClientVersion(): boolean {
    const cursor = new Cursor(fromClient, 0);
    cursor.integer(); // version
    if (cursor.integer() !== 0) {
      cursor.integer(); // a processor it would like
    }
    cursor.integer(); // space to reserve
    take(cursor.at);
    daemon.write(encode([VERSION, 0, 0]));
    isGreeted = true;
    reading = readNext;
    return true;
  }
  function readNext(): boolean {
    if (pending.length >= MAX_PENDING || pendingBytes >= MAX_PENDING_BYTES) {
      return false;
    }
    const request = readRequest(fromClient, 0);
    if (request.derivation !== undefined) {
      const text = readText(request.end);
      if (text !== undefined) {
        answer(request.derivation, text.bytes, text.end);
        return true;
      }
    }
    if (pending.length > 0) {
      flush();
      return false;
    }
    pass(take(request.end));
    reading = request.hasFrames ? readFrames : readNext;
    return true;
  }
  /** Undefined when it is too long to be kept. */
  function readText(start: number): { readonly bytes: Buffer; readonly end: number } | undefined {
    const cursor = new Cursor(fromClient, start);
    const parts: Buffer[] = [];
    for (let length = cursor.integer(); length > 0; length = cursor.integer()) {
      if (cursor.at - start + length > MAX_TEXT_BYTES) {
        return undefined;
      }
      parts.push(cursor.bytes(length));
    }
    return { bytes: Buffer.concat(parts), end: cursor.at };
  }
  function answer({ name, references }: NonNullable<Request['derivation']>, text: Buffer, end: number): void {
    const info = textInfo(name, text, references);
    pending.push({ path: info.path, size: end });
    pendingBytes += end;
    if (gathering === undefined) {
      daemon.cork();
      gathering = setTimeout(flush, GATHER_MS);
    }
    daemon.write(take(end));
    if (daemon.writableLength > GATHER_BYTES) {
      flush();
    }
    client.write(encodeAdded(info, references, Math.floor(Date.now() / 1_000)));
  }
  function readFrames(): boolean {
    if (frameLeft === 0) {
      const length = new Cursor(fromClient, 0).integer();
      pass(take(8));
      frameLeft = length;
      if (length === 0) {
        reading = readNext;
      }
      return true;
    }
    const part = take(Math.min(frameLeft, fromClient.length));
    frameLeft -= part.length;
    pass(part);
    return part.length > 0;
  }
  function take(size: number): Buffer {
    if (fromClient.length < size) {
      throw SHORT;
    }
    const taken = fromClient.subarray(0, size);
    fromClient = fromClient.subarray(size);
    return taken;
  }
  function pass(bytes: Buffer): void {
    if (!daemon.write(bytes)) {
      client.pause();
      daemon.once('drain', () => client.resume());
    }
  }
  function flush(): void {
    if (gathering !== undefined) {
      clearTimeout(gathering);
      gathering = undefined;
      daemon.uncork();
    }
  }

  function work(): void {
    attempt(() => {
      if (failure !== undefined) {
        return;
      }
      for (let goesOn = true; goesOn; ) {
        goesOn = reading?.() ?? false;
      }
      if (fromClient.length > MAX_REQUEST_BYTES) {
        throw new Error('a request that is too long');
      }
    });
    refuse();
  }
  function attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (error !== SHORT) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
  /** As the answer to what it asks next. */
  function refuse(): void {
    if (failure !== undefined && fromClient.length > 0 && !client.writableEnded) {
      client.end(encodeRefusal(`The Nix daemon: ${failure.message}`));
    }
  }
  function fail(error: Error): void {
    failure ??= error;
    settleAll();
    daemon.destroy();
  }
  function settleAll(): void {
    const isLost = failure !== undefined && pending.length > 0;
    const ready = waiting.filter(({ at }) => failure !== undefined || at <= confirmed);
    waiting = waiting.filter((one) => !ready.includes(one));
    for (const { at, settle } of ready) {
      settle(isLost && at > confirmed ? failure : undefined);
    }
  }

  function hear(chunk: Buffer): void {
    if (isGreeted && pending.length === 0) {
      if (!client.write(chunk)) {
        daemon.pause();
        client.once('drain', () => daemon.resume());
      }
      return;
    }
    fromDaemon = fromDaemon.length === 0 ? chunk : Buffer.concat([fromDaemon, chunk]);
    attempt(() => (isGreeted ? confirm() : greet()));
    settleAll();
    work();
    endIfDone();
  }
  function greet(): void {
    const cursor = new Cursor(fromDaemon, 0);
    const magic = cursor.integer();
    const version = cursor.integer();
    if (magic !== MAGIC_2 || version < VERSION || version >> 8 !== VERSION >> 8) {
      throw new Error(`expected worker protocol 1.33 or newer, got ${version.toString(16)}`);
    }
    fromDaemon = fromDaemon.subarray(cursor.at);
    client.write(Buffer.concat([word(MAGIC_2), word(VERSION)]));
    reading = readClientVersion;
  }
  function confirm(): void {
    for (let [next] = pending; next !== undefined; [next] = pending) {
      const { path, end } = readAdded(fromDaemon, 0);
      if (path !== next.path) {
        throw new Error(`${path} came, where ${next.path} was expected`);
      }
      fromDaemon = fromDaemon.subarray(end);
      pending.shift();
      pendingBytes -= next.size;
      confirmed += 1;
    }
    if (fromDaemon.length > 0) {
      throw new Error('an answer to no question');
    }
  }

  function endIfDone(): void {
    if (client.destroyed && (pending.length === 0 || failure !== undefined) && !hasEnded) {
      hasEnded = true;
      clearTimeout(gathering);
      daemon.destroy();
      onEnd(pending.length > 0 ? failure : undefined);
    }
  }

  client.on('data', (chunk) => {
    fromClient = fromClient.length === 0 ? chunk : Buffer.concat([fromClient, chunk]);
    work();
  });
  client.on('error', () => client.destroy());
  client.on('close', () => {
    flush();
    endIfDone();
  });
  daemon.on('data', hear);
  daemon.on('error', (error) => fail(error));
  daemon.on('close', () => {
    fail(new Error('it closed the connection'));
    work();
    if (pending.length === 0 && !client.writableEnded) {
      client.destroy();
    }
    endIfDone();
  });
  return {
    settled() {
      flush();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({
        at: confirmed + pending.length,
        settle: (error) => (error === undefined ? resolve() : reject(error)),
      });
      settleAll();
      return promise;
    },
    close() {
      client.destroy();
      daemon.destroy();
    },
  };
}
