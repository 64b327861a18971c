/**
 * The one port. Of each connection only the first line is read here, which SSH says in the clear: it tells control from
 * bulk. Strangers are bounded: how many may be at the door, for how long, and how often from one address in vain.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { BULK_IDENT } from '@argunix/shared/protocol/version';

export interface EntranceOptions {
  control(socket: Socket): void;
  bulk(socket: Socket, read: Buffer): void;
  turnedAway(from: string, reason: string): void;
}

export interface Entrance {
  readonly server: Server;
  /** Whoever it is, it is known now: it takes no place at the door any more. */
  known(socket: Socket): void;
  /** It tried and failed. */
  failed(from: string): void;
}

// A storm of two hundred builders after a restart has to fit; more than these are not builders.
const MOST_AT_THE_DOOR = 512;
const MOST_FROM_ONE = 256;
const FIRST_LINE_MS = 10_000;
/** Until it is known who it is, hello and all. */
const DOOR_MS = 30_000;
// Guesses of a token: a burst for a person who mistypes, then one in six seconds.
const MOST_FAILURES = 20;
const FORGIVEN_EVERY_MS = 6_000;
const MAX_FIRST_LINE = 255;
const MOST_REMEMBERED = 10_000;

export function createEntrance(options: EntranceOptions): Entrance {
  const atTheDoor = new Map<Socket, string>();
  const failures = new Map<string, { count: number; at: number }>();

  function failuresOf(from: string): number {
    const known = failures.get(from);
    if (known === undefined) {
      return 0;
    }
    return Math.max(0, known.count - Math.floor((performance.now() - known.at) / FORGIVEN_EVERY_MS));
  }
  function whyNot(from: string): string | undefined {
    if (failuresOf(from) >= MOST_FAILURES) {
      return 'tried in vain too often: it may come again in a minute';
    }
    if (atTheDoor.size >= MOST_AT_THE_DOOR) {
      return `found ${MOST_AT_THE_DOOR} others at the door`;
    }
    const same = [...atTheDoor.values()].filter((other) => other === from).length;
    return same >= MOST_FROM_ONE ? `found ${MOST_FROM_ONE} others from its address at the door` : undefined;
  }
  function enter(socket: Socket): void {
    const from = socket.remoteAddress ?? 'an unknown address';
    const reason = whyNot(from);
    // Whatever becomes of it later, an error here is only the end of it.
    socket.on('error', () => undefined);
    if (reason !== undefined) {
      options.turnedAway(from, reason);
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    atTheDoor.set(socket, from);
    const patience = setTimeout(() => {
      if (atTheDoor.has(socket)) {
        options.turnedAway(from, 'did not say who it is in time');
        socket.destroy();
      }
    }, DOOR_MS);
    socket.once('close', () => {
      clearTimeout(patience);
      atTheDoor.delete(socket);
    });
    readFirstLine(socket, from);
  }
  function readFirstLine(socket: Socket, from: string): void {
    let read: Buffer = Buffer.alloc(0);
    const late = setTimeout(() => socket.destroy(), FIRST_LINE_MS);
    socket.once('close', () => clearTimeout(late));
    socket.on('data', onData);
    function onData(piece: Buffer): void {
      read = read.length === 0 ? piece : Buffer.concat([read, piece]);
      const end = read.indexOf(0x0a);
      if (end === -1 && read.length <= MAX_FIRST_LINE) {
        return;
      }
      socket.off('data', onData);
      socket.pause();
      clearTimeout(late);
      const line = read.subarray(0, Math.max(0, end)).toString('latin1').trimEnd();
      if (!line.startsWith('SSH-2.0-')) {
        options.turnedAway(from, 'does not speak SSH');
        socket.destroy();
        return;
      }
      if (line.slice('SSH-2.0-'.length).split(' ')[0] === BULK_IDENT) {
        // It goes to another process, which does not know it until its key is proven.
        atTheDoor.delete(socket);
        stopReading(socket);
        process.nextTick(() => options.bulk(socket, read));
      } else {
        socket.unshift(read);
        options.control(socket);
      }
    }
  }

  const server = createServer({ noDelay: true }, enter);
  return {
    server,
    known: (socket) => {
      atTheDoor.delete(socket);
    },
    failed: (from) => {
      const count = failuresOf(from) + 1;
      failures.delete(from);
      failures.set(from, { count, at: performance.now() });
      const [oldest] = failures.keys();
      if (oldest !== undefined && failures.size > MOST_REMEMBERED) {
        failures.delete(oldest);
      }
    },
  };
}

/**
 * To be called while a piece is read; when its event is over, no other one is. A pause alone fills the buffer first, and
 * what this process reads while the other has the socket already is lost. Nobody reads what fills the buffer here.
 */
function stopReading(socket: Socket): void {
  socket.unshift(Buffer.alloc(socket.readableHighWaterMark));
}
