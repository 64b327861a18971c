/**
 * Bulk connections. Each is asked for over the control connection of a builder that the gate knows, by a number; the
 * agent opens a channel that says this number. Nobody else has a key that opens anything here.
 */
import type { Socket } from 'node:net';
import { AppError } from '@argunix/shared/kit/app-error';
import type { ChannelUse } from '@argunix/shared/protocol/coordinator-message';
import { parseChannelCommand } from '@argunix/shared/protocol/version';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { receiveLogin } from '../login.ts';

export interface BulkChannel {
  readonly stream: ServerChannel;
  /** Bytes that the kernel has not taken yet: ssh2 itself does not wait for it. */
  unsentBytes(): number;
  /** Resolves when the builder says why what it served there ended. */
  readonly brokenBy: Promise<string>;
}

export interface BulkDoor {
  /** Rejects with `closure.broken` when the agent says it cannot, or nothing comes in time. */
  open(builder: string, use: ChannelUse, signal: AbortSignal): Promise<BulkChannel>;
  /** Nothing moves on its connection: the next channel is asked for on another one. */
  abandon(builder: string): void;
  /** Nothing when the channel is another builder's. */
  unopened(news: ChannelNews): void;
  broken(news: ChannelNews): void;
  take(socket: Socket, read: Buffer): void;
  /** Whose connections come with this key; null ends those there are. */
  key(builder: string, publicKey: string | null): void;
  /** Those from whom bytes came since the last call. */
  heard(): readonly string[];
}

interface ChannelNews {
  readonly builder: string;
  readonly channel: string;
  readonly reason: string;
}

export interface BulkDoorOptions {
  readonly hostKey: string;
  /** How long an agent may take to open what it is asked for. */
  readonly openWithinMs: number;
  ask(builder: string, channel: string, use: ChannelUse, isAnew: boolean): void;
  turnedAway(from: string, reason: string): void;
}

interface Awaited {
  readonly builder: string;
  resolve(channel: BulkChannel): void;
  reject(error: AppError): void;
}

interface Connected {
  readonly socket: Socket;
  readonly client: Connection;
  builder: string;
  bytesRead: number;
}

const LOGIN_MS = 30_000;
// Until their key is proven. Two hundred builders that come back at once have one each.
const MOST_STRANGERS = 256;
const REMEMBERED_MS = 5_000;

export function createBulkDoor(options: BulkDoorOptions): BulkDoor {
  const builderOf = new Map<string, string>();
  const awaited = new Map<string, Awaited>();
  /** Channels in use, to hear why they ended. */
  const reasons = new Map<string, { readonly builder: string; readonly tell: (reason: string) => void }>();
  const connected = new Set<Connected>();
  const sockets = new Map<string, Socket>();
  const strangers = new Set<Socket>();
  const abandoned = new Set<string>();
  let lastChannel = 0;

  const server = new ssh2.Server(
    { hostKeys: [options.hostKey], ident: 'argunix' },
    (client, { ip, port }) => {
      const socket = sockets.get(`${ip}:${port}`);
      if (socket === undefined) {
        client.end();
        return;
      }
      client.on('error', () => undefined);
      const late = setTimeout(() => socket.destroy(), LOGIN_MS);
      socket.once('close', () => clearTimeout(late));
      receiveLogin(
        client,
        {
          decide: (publicKey) => Promise.resolve(builderOf.has(publicKey) ? 'known' : 'token_bad'),
          turnedAway: (reason) => options.turnedAway(ip, reason),
        },
        ({ publicKey }) => {
          clearTimeout(late);
          strangers.delete(socket);
          const builder = builderOf.get(publicKey);
          if (builder === undefined) {
            socket.destroy();
          } else {
            serve({ socket, client, builder, bytesRead: socket.bytesRead });
          }
        },
      );
    },
  );

  function serve(one: Connected): void {
    connected.add(one);
    one.socket.once('close', () => connected.delete(one));
    one.client.on('session', (accept) => {
      accept().on('exec', (acceptExec, rejectExec, { command }) => {
        const channel = parseChannelCommand(command);
        const waiting = channel === undefined ? undefined : awaited.get(channel);
        if (channel === undefined || waiting?.builder !== one.builder) {
          rejectExec();
          return;
        }
        awaited.delete(channel);
        const stream = acceptExec();
        const { promise: brokenBy, resolve } = Promise.withResolvers<string>();
        reasons.set(channel, { builder: one.builder, tell: resolve });
        stream.once('close', () => {
          setTimeout(() => reasons.delete(channel), REMEMBERED_MS).unref();
        });
        waiting.resolve({ stream, unsentBytes: () => one.socket.writableLength, brokenBy });
      });
    });
  }

  function abandon(builder: string): void {
    abandoned.add(builder);
    for (const one of connected) {
      if (one.builder === builder) {
        one.socket.destroy();
      }
    }
  }

  return {
    open: async (builder, use, signal) => {
      signal.throwIfAborted();
      lastChannel += 1;
      const channel = String(lastChannel);
      const { promise, resolve, reject } = Promise.withResolvers<BulkChannel>();
      awaited.set(channel, { builder, resolve, reject });
      const late = setTimeout(() => {
        abandon(builder);
        reject(broken(`${builder} did not open a channel within ${options.openWithinMs / 1_000} s`));
      }, options.openWithinMs);
      const onAbort = (): void => reject(broken('it is not wanted any more'));
      signal.addEventListener('abort', onAbort, { once: true });
      options.ask(builder, channel, use, abandoned.delete(builder));
      try {
        return await promise;
      } finally {
        clearTimeout(late);
        signal.removeEventListener('abort', onAbort);
        awaited.delete(channel);
      }
    },
    abandon,
    unopened: ({ builder, channel, reason }) => {
      const waiting = awaited.get(channel);
      if (waiting?.builder === builder) {
        waiting.reject(broken(`the builder could not open a channel: ${reason}`));
      }
    },
    broken: ({ builder, channel, reason }) => {
      const known = reasons.get(channel);
      if (known?.builder === builder) {
        known.tell(reason);
      }
    },
    take: (socket, read) => {
      const key = `${socket.remoteAddress}:${socket.remotePort}`;
      socket.on('error', () => undefined);
      if (strangers.size >= MOST_STRANGERS) {
        socket.destroy();
        return;
      }
      strangers.add(socket);
      socket.once('close', () => strangers.delete(socket));
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 10_000);
      sockets.set(key, socket);
      socket.once('close', () => sockets.delete(key));
      socket.unshift(read);
      // It stays paused until SSH reads it.
      server.injectSocket(socket);
    },
    key: (builder, publicKey) => {
      for (const [known, name] of builderOf) {
        if (name === builder && known !== publicKey) {
          builderOf.delete(known);
        }
      }
      if (publicKey !== null) {
        builderOf.set(publicKey, builder);
        return;
      }
      abandon(builder);
      abandoned.delete(builder);
    },
    heard: () => {
      const builders = new Set<string>();
      for (const one of connected) {
        if (one.socket.bytesRead !== one.bytesRead) {
          one.bytesRead = one.socket.bytesRead;
          builders.add(one.builder);
        }
      }
      return [...builders];
    },
  };
}

function broken(reason: string): AppError {
  return new AppError('closure.broken', reason);
}
