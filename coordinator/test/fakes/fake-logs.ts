import type { LeaseId } from '@argunix/shared/domain/ids';
import type { LogStore } from '../../src/ports/log-store.ts';

/** Logs in memory, by lease. */
export interface FakeLogs extends Pick<LogStore, 'open'> {
  readonly texts: Map<LeaseId, string[]>;
  /** Logs that were opened and not closed. */
  readonly openCount: number;
}

export function createFakeLogs(): FakeLogs {
  const texts = new Map<LeaseId, string[]>();
  const open = new Set<object>();
  return {
    texts,
    get openCount() {
      return open.size;
    },
    open: (leaseId) => {
      const lines: string[] = [];
      texts.set(leaseId, lines);
      open.add(lines);
      return {
        append: (more) => void lines.push(...more.map(({ text }) => text)),
        close: () => {
          open.delete(lines);
          return Promise.resolve();
        },
      };
    },
  };
}
