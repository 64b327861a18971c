/** The log of a lease from its channel to the coordinator, no faster than that takes it in. */
import type { Readable } from 'node:stream';
import { createLineSplitter } from '@argunix/shared/protocol/line-splitter';
import { MAX_LOG_LINE_BYTES, parseLogLine, type WireLogLine } from '@argunix/shared/protocol/log-stream';

export interface LogPump {
  /** The coordinator took in so many: as many more may be sent. */
  taken(count: number): void;
  /** How many lines the whole log has; null when it was cut off before its end. */
  readonly ended: Promise<number | null>;
}

// On their way to a coordinator that is busy.
const MOST_UNDER_WAY = 5_000;

export function startLogPump(stream: Readable, send: (lines: readonly WireLogLine[]) => void): LogPump {
  const splitter = createLineSplitter(MAX_LOG_LINE_BYTES);
  const { promise: ended, resolve } = Promise.withResolvers<number | null>();
  let underWay = 0;

  stream.on('data', (piece: Buffer) => {
    const { lines: texts, overflow } = splitter.push(piece);
    const lines: WireLogLine[] = [];
    for (const text of texts) {
      const line = parseLogLine(text);
      if (line === undefined || 'end' in line) {
        send(lines.splice(0));
        resolve(line === undefined ? null : line.end);
        return;
      }
      lines.push(line);
    }
    if (lines.length > 0) {
      underWay += lines.length;
      send(lines);
    }
    if (overflow) {
      resolve(null);
    } else if (underWay > MOST_UNDER_WAY) {
      stream.pause();
    }
  });
  stream.on('close', () => resolve(null));
  stream.on('error', () => resolve(null));
  return {
    taken: (count) => {
      underWay -= count;
      if (underWay <= MOST_UNDER_WAY / 2) {
        stream.resume();
      }
    },
    ended,
  };
}
