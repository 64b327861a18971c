/** How far a transfer is, told to who wants to see it: every so many bytes, not for every path. */
import type { PathInfo } from './path-info.ts';

export interface TransferProgress {
  readonly pathsDone: number;
  readonly pathsTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface TransferTally {
  /** These are to be carried, too. */
  expect(infos: readonly PathInfo[]): void;
  moved(bytes: number): void;
  stored(path: string): void;
  tell(): void;
  /** By this transfer. */
  sentBytes(): number;
}

const TELL_EVERY_BYTES = 1024 * 1024;

export function createTransferTally(progress: (progress: TransferProgress) => void): TransferTally {
  const waiting = new Map<string, number>();
  let pathsTotal = 0;
  let bytesTotal = 0;
  let storedBytes = 0;
  let sentBytes = 0;
  let untold = 0;
  function tell(): void {
    untold = 0;
    progress({
      pathsDone: pathsTotal - waiting.size,
      pathsTotal,
      // What was sent runs ahead of what was stored; what others sent counts when it is stored.
      bytesDone: Math.min(bytesTotal, Math.max(sentBytes, storedBytes)),
      bytesTotal,
    });
  }
  function count(bytes: number): void {
    untold += bytes;
    if (untold >= TELL_EVERY_BYTES) {
      tell();
    }
  }
  return {
    expect(infos) {
      for (const { path, narSize } of infos) {
        waiting.set(path, narSize);
        bytesTotal += narSize;
      }
      pathsTotal += infos.length;
    },
    moved(bytes) {
      sentBytes += bytes;
      count(bytes);
    },
    stored(path) {
      const bytes = waiting.get(path) ?? 0;
      waiting.delete(path);
      storedBytes += bytes;
      count(bytes);
    },
    tell,
    sentBytes: () => sentBytes,
  };
}
