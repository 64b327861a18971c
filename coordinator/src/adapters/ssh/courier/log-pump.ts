/** The log of a lease from its channel to the coordinator, no faster than that takes it in. */
import type { Readable } from 'node:stream';
import { createLineSplitter } from '@argunix/shared/protocol/line-splitter';
import { MAX_LOG_LINE_BYTES, parseLogLine, type WireLogLine } from '@argunix/shared/protocol/log-stream';
import { weightOf } from '../messages.ts';

export interface LogPump {
  /** The coordinator took in so much: as much more may be sent. */
  taken(weight: number): void;
  /** How many lines the whole log has; null when it was cut off before its end. */
  readonly ended: Promise<number | null>;
}

// On their way to a coordinator that is busy.
const MOST_UNDER_WAY = 2 * 1024 * 1024;

export function startLogPump(stream: Readable, send: (lines: readonly WireLogLine[]) => void): LogPump {
  const splitter = createLineSplitter(MAX_LOG_LINE_BYTES);
  const { promise: ended, resolve } = Promise.withResolvers<number | null>();
  let underWay = 0;

  function hand(lines: readonly WireLogLine[]): void {
    if (lines.length > 0) {
      underWay += weightOf(lines);
      send(lines);
    }
  }
  stream.on('data', (piece: Buffer) => {
    const { lines: texts, overflow } = splitter.push(piece);
    const lines: WireLogLine[] = [];
    for (const text of texts) {
      const line = parseLogLine(text);
      if (line === undefined || 'end' in line) {
        hand(lines);
        resolve(line === undefined ? null : line.end);
        return;
      }
      lines.push(line);
    }
    hand(lines);
    if (overflow) {
      resolve(null);
    } else if (underWay > MOST_UNDER_WAY) {
      stream.pause();
    }
  });
  stream.on('close', () => resolve(null));
  stream.on('error', () => resolve(null));
  return {
    taken: (weight) => {
      underWay -= weight;
      if (underWay <= MOST_UNDER_WAY / 2) {
        stream.resume();
      }
    },
    ended,
  };
}
