import type { LeaseId } from '@argunix/shared/domain/ids';
import type { LogStore } from '../../src/ports/log-store.ts';

/** Logs in memory, by lease. */
export interface FakeLogs extends Pick<LogStore, 'open'> {
  readonly texts: Map<LeaseId, string[]>;
}

export function createFakeLogs(): FakeLogs {
  const texts = new Map<LeaseId, string[]>();
  return {
    texts,
    open: (leaseId) => {
      const lines: string[] = [];
      texts.set(leaseId, lines);
      return {
        append: (more) => void lines.push(...more.map(({ text }) => text)),
        close: () => Promise.resolve(),
      };
    },
  };
}
