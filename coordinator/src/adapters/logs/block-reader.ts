/**
 * Reads frames of stored logs for everybody: the few that were read last are kept, so that many readers at one place
 * cost one; and few are read at a time, so that many readers at many places cost no more memory than that.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { LeaseId } from '@argunix/shared/domain/ids';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import { type FrameIndex, findFrame, readIndex } from './frame-index.ts';
import { type Block, type FrameHeader, HEADER_BYTES, unpackFrame } from './log-frame.ts';
import { walkFile } from './walk-file.ts';

export interface BlockReader {
  /** The first block with a line numbered `from` or more; undefined when there is none, or it is torn. */
  read(leaseId: LeaseId, from: number, liveIndex: FrameIndex | undefined): Promise<Block | undefined>;
  /** Of a log that is not live. */
  lineCount(leaseId: LeaseId): Promise<number>;
  forget(leaseId: LeaseId): void;
}

// 16 frames of 256 KiB and 64 indexes of at most 20 KiB: 5 MiB.
const KEPT_BLOCKS = 16;
const KEPT_INDEXES = 64;
// As many as libuv has threads: more at a time would only hold more memory.
const READS_AT_A_TIME = 4;

export function createBlockReader(pathOf: (leaseId: LeaseId) => string, logger: Logger): BlockReader {
  const blocks: { readonly leaseId: LeaseId; readonly block: Block }[] = [];
  const indexes = new Map<LeaseId, FrameIndex>();
  const turns = createTurns(READS_AT_A_TIME);

  function recall(leaseId: LeaseId, from: number): Block | undefined {
    const at = blocks.findIndex(
      (kept) =>
        kept.leaseId === leaseId && kept.block.first <= from && from < kept.block.first + kept.block.count,
    );
    const [kept] = at === -1 ? [] : blocks.splice(at, 1);
    if (kept !== undefined) {
      blocks.push(kept);
    }
    return kept?.block;
  }
  function remember(leaseId: LeaseId, block: Block): void {
    blocks.push({ leaseId, block });
    if (blocks.length > KEPT_BLOCKS) {
      blocks.shift();
    }
  }
  async function indexOf(leaseId: LeaseId, file: FileHandle): Promise<FrameIndex> {
    const known = indexes.get(leaseId);
    const index = known ?? (await walkFile(file, readIndex((await file.stat()).size)));
    indexes.delete(leaseId);
    indexes.set(leaseId, index);
    const [oldest] = indexes.keys();
    if (indexes.size > KEPT_INDEXES && oldest !== undefined) {
      indexes.delete(oldest);
    }
    return index;
  }
  async function withFile<Result>(
    leaseId: LeaseId,
    use: (file: FileHandle) => Promise<Result>,
  ): Promise<Result | undefined> {
    await turns.take();
    try {
      const file = await open(pathOf(leaseId), 'r');
      try {
        return await use(file);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isMissing(error)) {
        return undefined;
      }
      throw error;
    } finally {
      turns.give();
    }
  }
  async function readFrame(
    leaseId: LeaseId,
    file: FileHandle,
    header: FrameHeader,
  ): Promise<Block | undefined> {
    const packed = Buffer.alloc(header.compressedBytes);
    const { bytesRead } = await file.read(packed, 0, packed.length, header.offset + HEADER_BYTES);
    try {
      const text = await unpackFrame(header, packed.subarray(0, bytesRead));
      return { first: header.first, count: header.count, text };
    } catch (error) {
      logger.warn(
        { leaseId, offset: header.offset, reason: messageOf(error) },
        'a build log ends in a torn frame',
      );
      return undefined;
    }
  }
  return {
    async read(leaseId, from, liveIndex) {
      const kept = recall(leaseId, from);
      if (kept !== undefined) {
        return kept;
      }
      return await withFile(leaseId, async (file) => {
        const meanwhile = recall(leaseId, from); // by one who waited before us
        if (meanwhile !== undefined) {
          return meanwhile;
        }
        const index = liveIndex ?? (await indexOf(leaseId, file));
        const header = await walkFile(file, findFrame(index, from));
        const block = header === undefined ? undefined : await readFrame(leaseId, file, header);
        if (block !== undefined) {
          remember(leaseId, block);
        }
        return block;
      });
    },
    async lineCount(leaseId) {
      const known = indexes.get(leaseId);
      return (
        known?.lineCount ??
        (await withFile(leaseId, async (file) => await indexOf(leaseId, file)))?.lineCount ??
        0
      );
    },
    forget(leaseId) {
      indexes.delete(leaseId);
      for (let at = blocks.length - 1; at >= 0; at -= 1) {
        if (blocks[at]?.leaseId === leaseId) {
          blocks.splice(at, 1);
        }
      }
    },
  };
}

interface Turns {
  take(): Promise<void>;
  give(): void;
}

function createTurns(count: number): Turns {
  const waiting: (() => void)[] = [];
  let free = count;
  return {
    async take() {
      if (free > 0) {
        free -= 1;
        return;
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    },
    give() {
      const next = waiting.shift();
      if (next === undefined) {
        free += 1;
      } else {
        next();
      }
    },
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
