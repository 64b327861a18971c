import type { LeaseId } from '@argunix/shared/domain/ids';
import type { LogLine } from '@argunix/shared/domain/log-line';

export interface LogWriter {
  /** Never blocks the caller: what is over the cap is left out and counted, its last lines are kept. */
  append(lines: readonly Omit<LogLine, 'atMs'>[]): void;
  /** Resolves when the last frame is on disk. Idempotent. */
  close(): Promise<void>;
}

export interface NumberedLine extends LogLine {
  /** Counts from 0 within its log; lines that were left out have no number. */
  readonly number: number;
}

export type LogEvent =
  | { readonly kind: 'lines'; readonly lines: readonly NumberedLine[] }
  /** The reader was too slow, or came late: so many lines are to be read from the stored log. */
  | { readonly kind: 'lag'; readonly dropped: number }
  | { readonly kind: 'end' };

export interface LogStore {
  open(leaseId: LeaseId): LogWriter;
  /** Whether lines may still come. */
  isLive(leaseId: LeaseId): boolean;
  /** Every line from `from` on, as stored now, without holding the log in memory. Nothing when there is no log. */
  read(leaseId: LeaseId, from: number): AsyncIterable<readonly NumberedLine[]>;
  remove(leaseIds: readonly LeaseId[]): Promise<void>;
}
