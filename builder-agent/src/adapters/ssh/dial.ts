import { connect, type Socket } from 'node:net';

export interface Address {
  readonly host: string;
  readonly port: number;
}

// Against routers that forget a silent connection; whether the other side lives, heartbeats tell.
const KEEP_ALIVE_MS = 30_000;

/** A TCP connection, the name looked up anew. Rejects with what went wrong, the deadline and the signal included. */
export function dial({ host, port }: Address, withinMs: number, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  });
  const timer = setTimeout(() => fail(new Error(`no answer within ${withinMs / 1_000} s`)), withinMs);
  const onAbort = (): void => fail(new Error('stopped'));

  function fail(error: Error): void {
    settle();
    socket.on('error', () => undefined);
    socket.destroy();
    reject(error);
  }
  function settle(): void {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    socket.off('error', fail);
  }
  socket.on('error', fail);
  socket.once('connect', () => {
    settle();
    resolve(socket);
  });
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) {
    onAbort();
  }
  return promise;
}
