/** A road between agent and coordinator that can be cut, slowed, or go dead without a word. */
import { connect, createServer, type Socket } from 'node:net';

export type Weather =
  | 'fair'
  /** Connections stay open and nothing comes through, either way; new ones are taken in and go nowhere. */
  | 'dead'
  /** Nobody gets through: connections are refused at once. */
  | 'closed'
  | { readonly bytesPerSecond: number };

export interface Road {
  readonly port: number;
  set(weather: Weather): void;
  /** Connections that carry so many bytes from now on stand still for ever; others do not. */
  stallAfter(bytes: number): void;
  /** Ends all connections there are. */
  cut(): void;
  /** Of both directions, since the start. */
  readonly bytes: number;
  close(): void;
}

const TICK_MS = 20;

export async function openRoad(host: string, targetPort: () => number): Promise<Road> {
  let weather: Weather = 'fair';
  let bytes = 0;
  let allowance = 0;
  let stallBytes = Number.POSITIVE_INFINITY;
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];

  function isOpen(): boolean {
    return weather === 'fair' || (typeof weather === 'object' && allowance > 0);
  }
  function release(): void {
    for (const go of waiting.splice(0)) {
      go();
    }
  }
  const ticking = setInterval(() => {
    if (typeof weather === 'object') {
      allowance = Math.min(weather.bytesPerSecond, allowance + (weather.bytesPerSecond * TICK_MS) / 1_000);
    }
    release();
  }, TICK_MS);

  function carry(from: Socket, to: Socket): void {
    let carried = 0;
    from.on('data', (piece: Buffer) => {
      from.pause();
      carried += piece.length;
      if (carried > stallBytes) {
        // Only once: what comes instead of it is better off.
        stallBytes = Number.POSITIVE_INFINITY;
        return;
      }
      function go(): void {
        if (!isOpen()) {
          waiting.push(go);
          return;
        }
        bytes += piece.length;
        allowance -= piece.length;
        if (to.write(piece)) {
          from.resume();
        } else {
          to.once('drain', () => from.resume());
        }
      }
      go();
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      sockets.delete(from);
      // What is dead tells nobody that an end was closed.
      if (weather !== 'dead') {
        to.destroy();
      }
    });
    sockets.add(from);
  }
  const server = createServer({ noDelay: true }, (near) => {
    if (weather === 'closed') {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port: targetPort(), noDelay: true });
    carry(near, far);
    carry(far, near);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, host, resolve);
  await promise;
  const address = server.address();
  function cut(): void {
    for (const socket of sockets) {
      socket.destroy();
    }
  }
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    set: (next) => {
      weather = next;
      allowance = 0;
      if (next === 'closed') {
        cut();
      }
      release();
    },
    cut,
    stallAfter: (most) => {
      stallBytes = most;
    },
    get bytes() {
      return bytes;
    },
    close: () => {
      clearInterval(ticking);
      cut();
      server.close();
    },
  };
}
