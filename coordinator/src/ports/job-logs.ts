import type { LeaseId } from '@argunix/shared/domain/ids';
import type { NumberedLine } from './log-store.ts';

export interface LogTail {
  readonly lines: readonly NumberedLine[];
  /** Whether more lines may come. */
  readonly isLive: boolean;
}

/** The log of a job's newest attempt that has one. A job without a log has no lines and is not live. */
export interface JobLogs {
  /** The last `count` lines, oldest first, without holding more than those in memory. */
  tail(jobId: number, count: number): Promise<LogTail>;
  /** The same of one lease, for what no job names. */
  tailOfLease(leaseId: LeaseId, count: number): Promise<LogTail>;
  /** From line number `from` on, as stored now. */
  read(jobId: number, from: number): AsyncIterable<readonly NumberedLine[]>;
}
