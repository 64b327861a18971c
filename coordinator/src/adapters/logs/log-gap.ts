/** Lines that are not in the stored log, and the line that tells of them. */
import type { Block } from './log-frame.ts';
import { toStoredLine } from './stored-line.ts';

export interface Gap {
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
  /** A half-sentence: why the lines are not there. */
  readonly reason: string;
}

export function gapOf({ first, count, text }: Block, reason: string): Gap {
  return { first, count, bytes: text.length, reason };
}

/** `later` begins where `earlier` ends. The reason is that of the first line that is missing. */
export function joinGaps(earlier: Gap | undefined, later: Gap): Gap {
  return earlier === undefined
    ? later
    : { ...earlier, count: earlier.count + later.count, bytes: earlier.bytes + later.bytes };
}

/** The line that stands for the gap, under the number of the last line that is missing. */
export function noticeOf({ first, count, bytes, reason }: Gap, atMs: number): Block {
  const lines = count === 1 ? '1 line was' : `${count} lines were`;
  const text = `argunix: ${lines} left out here (${bytes} bytes): ${reason}`;
  const line = toStoredLine({ atMs, derivation: '', phase: '', text });
  return { first: first + count - 1, count: 1, text: Buffer.from(line) };
}
