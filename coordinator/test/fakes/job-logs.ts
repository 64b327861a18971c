import type { JobLogs } from '../../src/ports/job-logs.ts';
import type { NumberedLine } from '../../src/ports/log-store.ts';

/** Logs in memory; `live` holds the jobs that go on writing. */
export function createFakeJobLogs(
  logs: ReadonlyMap<number, readonly NumberedLine[]>,
  live: ReadonlySet<number> = new Set(),
  leases: ReadonlyMap<number, readonly NumberedLine[]> = new Map(),
): JobLogs {
  return {
    tail: (jobId, count) =>
      Promise.resolve({ lines: (logs.get(jobId) ?? []).slice(-count), isLive: live.has(jobId) }),
    tailOfLease: (leaseId, count) =>
      Promise.resolve({ lines: (leases.get(leaseId) ?? []).slice(-count), isLive: true }),
    async *read(jobId, from) {
      const lines = await Promise.resolve(logs.get(jobId) ?? []);
      for (let at = from; at < lines.length; at += 1000) {
        yield lines.slice(at, at + 1000);
      }
    },
  };
}

export function numberLines(
  texts: readonly string[],
  from: { readonly derivation?: string; readonly phase?: string; readonly number?: number } = {},
): NumberedLine[] {
  const { derivation = 'hello-2.12.1', phase = '', number = 0 } = from;
  return texts.map((text, index) => ({ number: number + index, atMs: index * 20, derivation, phase, text }));
}
