/** A network between agent and coordinator that can be cut, stalled and made to swallow everything. */
import { connect, createServer, type Socket } from 'node:net';

export interface Proxy {
  readonly port: number;
  /** Connections that were made through it. */
  readonly connections: number;
  /** Those that are there end at once, as by a reset. */
  cut(): void;
  /** The next connection is cut when so many bytes have gone to the coordinator. */
  cutNextAfter(bytes: number): void;
  /** Nothing goes either way, and nobody is told: a cable that was pulled. New connections are swallowed too. */
  blackhole(isBlack: boolean): void;
  close(): Promise<void>;
}

interface Pair {
  readonly agent: Socket;
  readonly coordinator: Socket;
}

export async function startProxy(target: number): Promise<Proxy> {
  const pairs = new Set<Pair>();
  let connections = 0;
  let isBlack = false;
  let cutAfter: number | undefined;

  const server = createServer((agent) => {
    connections += 1;
    const coordinator = connect(target, '127.0.0.1');
    const pair = { agent, coordinator };
    let left = cutAfter;
    cutAfter = undefined;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      agent.destroy();
      coordinator.destroy();
    };
    for (const [from, to] of [
      [agent, coordinator],
      [coordinator, agent],
    ] as const) {
      from.setNoDelay(true);
      from.on('error', end);
      from.on('close', end);
      from.on('data', (piece: Buffer) => {
        if (from === agent && left !== undefined) {
          left -= piece.length;
          if (left < 0) {
            to.write(piece.subarray(0, piece.length + left), end);
            return;
          }
        }
        if (!to.write(piece)) {
          from.pause();
          to.once('drain', () => isBlack || from.resume());
        }
      });
    }
    if (isBlack) {
      agent.pause();
      coordinator.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get connections() {
      return connections;
    },
    cut() {
      for (const { agent, coordinator } of pairs) {
        agent.resetAndDestroy();
        coordinator.destroy();
      }
    },
    cutNextAfter: (bytes) => {
      cutAfter = bytes;
    },
    blackhole(black) {
      isBlack = black;
      for (const { agent, coordinator } of pairs) {
        for (const socket of [agent, coordinator]) {
          if (black) {
            socket.pause();
          } else {
            socket.resume();
          }
        }
      }
    },
    async close() {
      for (const { agent, coordinator } of pairs) {
        agent.destroy();
        coordinator.destroy();
      }
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
