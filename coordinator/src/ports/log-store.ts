import type { LeaseId } from '@argunix/shared/domain/ids';
import type { LogLine } from '@argunix/shared/domain/log-line';

export interface LogWriter {
  /** Never blocks and never throws: what is over a bound is left out and counted, the last lines are kept. */
  append(lines: readonly Omit<LogLine, 'atMs'>[]): void;
  /** Resolves when the last frame is written (not synced: a power cut may cost the end of a log). Idempotent. */
  close(): Promise<void>;
}

export interface NumberedLine extends LogLine {
  /**
   * Counts from 0 within its log, the same live and stored. Lines that were left out keep their numbers: the stored
   * log has a gap there, and the last number of the gap is that of the line which tells of it.
   */
  readonly number: number;
}

export type LogEvent =
  /** The very same object for every reader of a live log, so that an encoder can remember what it made of it. */
  | { readonly kind: 'lines'; readonly lines: readonly NumberedLine[] }
  /** The reader was too slow, or came late: so many lines are to be read from the stored log. */
  | { readonly kind: 'lag'; readonly dropped: number }
  | { readonly kind: 'end' };

export interface LogStore {
  /** Goes on after the last whole frame where a crash left a log behind. */
  open(leaseId: LeaseId): LogWriter;
  /** Whether lines may still come. */
  isLive(leaseId: LeaseId): boolean;
  /** One more than the number of its last line as of now; 0 when there is no log. */
  lineCount(leaseId: LeaseId): Promise<number>;
  /** Every line from `from` on, as of now, without holding the log in memory. Nothing when there is no log. */
  read(leaseId: LeaseId, from: number): AsyncIterable<readonly NumberedLine[]>;
  remove(leaseIds: readonly LeaseId[]): Promise<void>;
}

export interface LiveTail {
  /**
   * Lines from number `from` on, without a lost or doubled one, then what comes, then `end`. Without `from` it begins
   * with the last lines, after a `lag` that counts those before. Nothing is kept for a reader: one that asks for its
   * next event too late gets a `lag` and goes on from the newest. When the signal aborts it stops without `end`.
   */
  follow(leaseId: LeaseId, from: number | undefined, signal: AbortSignal): AsyncIterable<LogEvent>;
}
