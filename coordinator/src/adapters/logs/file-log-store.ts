/** Logs as files: one per lease, compressed frame by frame as lines come, readable by `zstd -dc` at any moment. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { Logger } from '@argunix/shared/kit/logger';
import type { LiveTail, LogStore, NumberedLine } from '../../ports/log-store.ts';
import { createBlockReader } from './block-reader.ts';
import { followLog } from './follow-log.ts';
import { openFrameFile } from './frame-file.ts';
import { type LogLimits, USUAL_LOG_LIMITS } from './log-limits.ts';
import { createOpenLog, type OpenLog } from './open-log.ts';
import { parseStoredLines } from './stored-line.ts';

export interface FileLogStoreOptions {
  /** Made with its first log; nobody else may read what is in it. */
  readonly dir: string;
  readonly logger: Logger;
  readonly limits?: Partial<LogLimits>;
}

// What a reader is handed at a time: enough to be quick, little enough to be held for every reader at once.
const BATCH_BYTES = 64 * 1024;

export function createFileLogStore({ dir, logger, limits }: FileLogStoreOptions): LogStore & LiveTail {
  const bounds: LogLimits = { ...USUAL_LOG_LIMITS, ...limits };
  const live = new Map<LeaseId, OpenLog>();
  const reader = createBlockReader(pathOf, logger);

  function pathOf(leaseId: LeaseId): string {
    return join(dir, String(Math.floor(leaseId / 1000)), `${leaseId}.log.zst`);
  }
  async function step(leaseId: LeaseId, from: number): Promise<readonly NumberedLine[]> {
    const log = live.get(leaseId);
    const block =
      log !== undefined && from >= log.index.lineCount
        ? log.unwritten().find(({ first, count }) => first + count > from)
        : await reader.read(leaseId, from, log?.index);
    return block === undefined ? [] : parseStoredLines(block, from, BATCH_BYTES);
  }
  async function lineCount(leaseId: LeaseId): Promise<number> {
    return live.get(leaseId)?.lineCount() ?? (await reader.lineCount(leaseId));
  }
  return {
    open(leaseId) {
      const known = live.get(leaseId);
      if (known !== undefined) {
        return known;
      }
      const path = pathOf(leaseId);
      reader.forget(leaseId);
      const log = createOpenLog({
        file: openFrameFile(path, logger),
        limits: bounds,
        logger,
        path,
        nowMs: () => performance.now(),
        openLogs: () => live.size,
        onClosed: () => live.delete(leaseId),
      });
      live.set(leaseId, log);
      return log;
    },
    isLive: (leaseId) => live.has(leaseId),
    lineCount,
    async *read(leaseId, from) {
      for (let next = from; ; ) {
        const lines = await step(leaseId, next);
        const last = lines.at(-1);
        if (last === undefined) {
          return;
        }
        yield lines;
        next = last.number + 1;
      }
    },
    async remove(leaseIds) {
      for (const leaseId of leaseIds) {
        reader.forget(leaseId);
        await rm(pathOf(leaseId), { force: true });
      }
    },
    follow: (leaseId, from, signal) =>
      followLog(
        {
          ring: live.get(leaseId)?.ring,
          recentLines: bounds.recentLines,
          lineCount: async () => await lineCount(leaseId),
          step: async (next) => await step(leaseId, next),
        },
        from,
        signal,
      ),
  };
}
