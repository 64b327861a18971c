/** The logs of jobs out of the logs of leases. */
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { JobLogs, LogTail } from '../../ports/job-logs.ts';
import type { LogStore, NumberedLine } from '../../ports/log-store.ts';

export function createJobLogs(options: {
  readonly logs: LogStore;
  /** The newest lease of the job's derivation whose log is the job's; null when nothing was dispatched. */
  readonly leaseOf: (jobId: number) => LeaseId | null;
}): JobLogs {
  const { logs, leaseOf } = options;

  async function tailOfLease(leaseId: LeaseId, count: number): Promise<LogTail> {
    const isLive = logs.isLive(leaseId);
    const from = Math.max(0, (await logs.lineCount(leaseId)) - count);
    const lines: NumberedLine[] = [];
    for await (const batch of logs.read(leaseId, from)) {
      lines.push(...batch);
      // A live log grows while it is read; what is over is followed by the stream.
      if (lines.length > 2 * count) {
        break;
      }
    }
    return { lines: lines.slice(0, 2 * count), isLive };
  }

  return {
    tailOfLease,
    async tail(jobId, count) {
      const leaseId = leaseOf(jobId);
      return leaseId === null ? { lines: [], isLive: false } : await tailOfLease(leaseId, count);
    },
    async *read(jobId, from) {
      const leaseId = leaseOf(jobId);
      if (leaseId !== null) {
        yield* logs.read(leaseId, from);
      }
    },
  };
}
