/**
 * Readers of log-fanout, as cheap as readers can be: raw sockets that look at the numbers at the edges of each event
 * and at nothing between them. A jump in the numbers is a lag.
 */
import { connect } from 'node:net';

type Kind = 'quick' | 'slow' | 'stalled';

const [port = '', quick = '', slow = '', stalled = '', lines = ''] = process.argv.slice(2);
const EVENT = Buffer.from('\nevent: lines\ndata: {"lines":[{"number":');
const EDGE_BYTES = 160;
// One for all: what is in it is looked at before the next read.
const received = Buffer.alloc(256 * 1024);

interface Told {
  readonly kind: Kind;
  last: number;
  dropped: number;
  hasEnded: boolean;
}

const readers = [
  ...Array.from({ length: Number(quick) }, () => open('quick')),
  ...Array.from({ length: Number(slow) }, () => open('slow')),
  ...Array.from({ length: Number(stalled) }, () => open('stalled')),
];
setInterval(() => {
  process.send?.({ readers, hasAll: readers.every((told) => told.kind === 'stalled' || told.hasEnded) });
}, 200);
process.on('disconnect', () => process.exit());

function open(kind: Kind): Told {
  const told: Told = { kind, last: -1, dropped: 0, hasEnded: false };
  let edge = Buffer.alloc(0);
  let readBytes = 0;
  let seenAt = -1;

  function look(bytes: Buffer, startsAt: number): void {
    for (let at = bytes.indexOf(EVENT); at !== -1; at = bytes.indexOf(EVENT, at + 1)) {
      const numberAt = at + EVENT.length;
      const first = /^(\d+),/.exec(bytes.toString('latin1', numberAt, numberAt + 12))?.[1];
      const id = /id: 1\.(\d+)$/.exec(bytes.toString('latin1', Math.max(0, at - 20), at))?.[1];
      if (first !== undefined && id !== undefined && startsAt + at > seenAt) {
        seenAt = startsAt + at;
        told.dropped += Number(first) - told.last - 1;
        told.last = Number(id);
      }
    }
    told.hasEnded ||= told.last === Number(lines) - 1;
  }
  const socket = connect({
    port: Number(port),
    host: '127.0.0.1',
    onread: {
      buffer: received,
      callback(length) {
        const bytes = received.subarray(0, length);
        // Headers that were cut in two by the end of a read.
        look(Buffer.concat([edge, bytes.subarray(0, EDGE_BYTES)]), readBytes - edge.length);
        look(bytes, readBytes);
        readBytes += length;
        edge = Buffer.concat([edge, bytes.subarray(-EDGE_BYTES)]).subarray(-EDGE_BYTES);
        if (kind === 'slow' && !told.hasEnded) {
          setTimeout(() => socket.resume(), 400);
          return false;
        }
        return true;
      },
    },
  });
  socket.write('GET /api/v1/jobs/1/log/stream?from=0 HTTP/1.1\r\nhost: bench\r\n\r\n');
  socket.on('error', () => undefined);
  if (kind === 'stalled') {
    socket.pause();
  }
  return told;
}
