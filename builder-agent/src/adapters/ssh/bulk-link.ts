/**
 * The bulk connection: there while the coordinator wants channels on it, and a little longer. When it breaks, all its
 * channels end, and the coordinator asks again for those that it still wants.
 */
import type { Socket } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import { BULK_IDENT, channelCommand } from '@argunix/shared/protocol/version';
import type { Client, ClientChannel } from 'ssh2';
import type { Admission } from './admission.ts';
import type { Address } from './dial.ts';
import { openClient } from './open-client.ts';
import { createSendGate } from './send-gate.ts';

export interface BulkLinkOptions {
  readonly address: Address;
  readonly admission: Admission;
  readonly connectMs: number;
  readonly handshakeMs: number;
  readonly channelMs: number;
  readonly idleMs: number;
  readonly log: Logger;
}

/** What is at our end of a channel. Resolves when it is through: null, or what went wrong, as a sentence. */
export type ServeChannel = (channel: {
  readonly fromCoordinator: Duplex;
  readonly toCoordinator: Writable;
  /** The channel or its connection is gone. */
  readonly gone: AbortSignal;
}) => Promise<string | null>;

export interface BulkLink {
  /** Never rejects. The reason when the channel could not be opened, or did not end well. */
  open(
    channel: string,
    serve: ServeChannel,
    /** On another connection than the one there is. */
    isAnew: boolean,
  ): Promise<{ readonly kind: 'unopened' | 'broken'; readonly reason: string } | null>;
  /** Both directions together. */
  readonly bytesMoved: number;
  close(): void;
}

interface Connection {
  readonly client: Client;
  readonly socket: Socket;
  readonly gone: AbortSignal;
  channels: number;
}

export function createBulkLink(options: BulkLinkOptions): BulkLink {
  const { log } = options;
  const stopping = new AbortController();
  let connecting: Promise<Connection | string> | undefined;
  let current: Connection | undefined;
  let idle: NodeJS.Timeout | undefined;
  let movedBefore = 0;

  function connection(): Promise<Connection | string> {
    clearTimeout(idle);
    connecting ??= connect();
    return connecting;
  }
  async function connect(): Promise<Connection | string> {
    const opened = await openClient({
      ...options,
      ident: BULK_IDENT,
      ...(await options.admission.forBulk()),
      signal: stopping.signal,
    });
    if (opened.kind !== 'open') {
      connecting = undefined;
      log.warn({ reason: opened.reason }, 'the bulk connection could not be opened');
      return opened.reason;
    }
    const { client, socket } = opened;
    const gone = new AbortController();
    const made: Connection = { client, socket, gone: gone.signal, channels: 0 };
    if (socket.destroyed) {
      connecting = undefined;
      return 'the coordinator hung up';
    }
    client.once('close', () => {
      if (current === made) {
        movedBefore += movedBy(socket);
        current = undefined;
        connecting = undefined;
      }
      // Closed from here, it did not break.
      if (made.channels > 0 && !stopping.signal.aborted) {
        log.warn({ channels: made.channels }, 'the bulk connection broke; its channels ended');
      } else {
        log.debug({}, 'the bulk connection closed');
      }
      gone.abort();
    });
    current = made;
    log.debug({}, 'the bulk connection is open');
    return made;
  }
  function rest(made: Connection): void {
    made.channels -= 1;
    if (made.channels === 0 && current === made) {
      clearTimeout(idle);
      idle = setTimeout(() => hangUp(made), options.idleMs);
    }
  }
  /** What waits on it ends as if it had broken. */
  function leave(made: Connection): void {
    movedBefore += movedBy(made.socket);
    current = undefined;
    connecting = undefined;
    hangUp(made);
  }
  function hangUp({ client }: Connection): void {
    client.end();
    client.destroy();
  }
  return {
    get bytesMoved() {
      return movedBefore + (current === undefined ? 0 : movedBy(current.socket));
    },
    async open(channel, serve, isAnew) {
      if (isAnew && current !== undefined) {
        log.warn({}, 'the bulk connection stands still; another one is made');
        leave(current);
      }
      const made = await connection().catch((error: unknown) => {
        connecting = undefined;
        return messageOf(error);
      });
      if (typeof made === 'string') {
        return { kind: 'unopened', reason: made };
      }
      made.channels += 1;
      try {
        const opened = await openChannel(made, channel, options.channelMs);
        if (typeof opened === 'string') {
          return { kind: 'unopened', reason: opened };
        }
        const reason = await serveOn(opened, made, serve);
        return reason === null ? null : { kind: 'broken', reason };
      } finally {
        rest(made);
      }
    },
    close() {
      clearTimeout(idle);
      stopping.abort();
      if (current !== undefined) {
        hangUp(current);
      }
    },
  };
}

/** A sentence where it cannot be had. */
function openChannel(
  { client, gone }: Connection,
  channel: string,
  withinMs: number,
): Promise<ClientChannel | string> {
  const { promise, resolve } = Promise.withResolvers<ClientChannel | string>();
  const timer = setTimeout(() => resolve('the coordinator did not open the channel in time'), withinMs);
  const onGone = (): void => resolve('the bulk connection broke');
  gone.addEventListener('abort', onGone);
  try {
    client.exec(channelCommand(channel), (error, opened) => {
      resolve(error === undefined ? opened : `the coordinator did not open the channel: ${error.message}`);
    });
  } catch {
    // ssh2 throws where there is no connection any more.
    onGone();
  }
  return promise.finally(() => {
    clearTimeout(timer);
    gone.removeEventListener('abort', onGone);
  });
}

async function serveOn(
  channel: ClientChannel,
  made: Connection,
  serve: ServeChannel,
): Promise<string | null> {
  const gone = new AbortController();
  const onGone = (): void => gone.abort();
  channel.once('close', onGone);
  channel.on('error', onGone);
  made.gone.addEventListener('abort', onGone);
  // Nothing is expected there, but what is not read holds up the channel's end.
  channel.stderr.resume();
  const gate = createSendGate(channel, made.socket, gone.signal);
  try {
    return await serve({ fromCoordinator: channel, toCoordinator: gate, gone: gone.signal });
  } catch (error) {
    return gone.signal.aborted ? null : messageOf(error);
  } finally {
    made.gone.removeEventListener('abort', onGone);
    channel.resume();
    channel.end();
    channel.close();
  }
}

/** What the kernel has taken or given: what waits in this process has not moved. */
function movedBy(socket: Socket): number {
  return socket.bytesRead + socket.bytesWritten - socket.writableLength;
}
