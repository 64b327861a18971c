/** The file of one log while it is written. Made with its first frame: most builds that say nothing leave no file. */
import { closeSync, constants, ftruncateSync, openSync, readSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import {
  addFrame,
  emptyIndex,
  type FrameIndex,
  findFrame,
  packIndex,
  readIndex,
  scanFrames,
} from './frame-index.ts';
import { type Block, HEADER_BYTES, packFrame, unpackIfWhole } from './log-frame.ts';
import { parseStoredLines } from './stored-line.ts';
import { walkFileSync } from './walk-file.ts';

export interface FrameFile {
  readonly index: FrameIndex;
  /** The time of the last line that a crash left; 0 for a new log. */
  readonly lastAtMs: number;
  /** One call at a time. When it rejects, nothing of the block counts as written. */
  append(block: Block): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens at once, so that numbers go on from what is there. Only a log that a crash left is read here: headers, and
 * its last frame.
 */
export function openFrameFile(path: string, logger: Logger): FrameFile {
  const { index, lastAtMs } = recover(path, logger);
  let file: FileHandle | undefined;

  async function writeAt(bytes: Buffer, position: number): Promise<void> {
    file ??= await openForWriting(path);
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
      written += bytesWritten;
    }
  }
  return {
    index,
    lastAtMs,
    async append(block) {
      const frame = await packFrame(block, index.endOffset);
      try {
        await writeAt(frame.bytes, index.endOffset);
      } catch (error) {
        // The next frame is written over what there is of this one; this only gives a full disk its blocks back.
        await file?.truncate(index.endOffset).catch(() => undefined);
        throw error;
      }
      addFrame(index, frame.header);
    },
    async close() {
      try {
        // A short log is found through without an index.
        if (file !== undefined && index.entries.length > 1) {
          await writeAt(packIndex(index), index.endOffset);
        }
      } finally {
        await file?.close();
        file = undefined;
      }
    },
  };
}

async function openForWriting(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
}

interface Recovered {
  readonly index: FrameIndex;
  readonly lastAtMs: number;
}

function recover(path: string, logger: Logger): Recovered {
  try {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return size === 0 ? { index: emptyIndex(), lastAtMs: 0 } : recoverFile(path, size);
  } catch (error) {
    // Writing will fail too, and say so; a build is not ended for its log.
    logger.error({ path, reason: messageOf(error) }, 'a build log that was left behind cannot be read');
    return { index: emptyIndex(), lastAtMs: 0 };
  }
}

function recoverFile(path: string, size: number): Recovered {
  const fd = openSync(path, 'r+');
  try {
    const whole = readWhole(fd, size);
    ftruncateSync(fd, whole.index.endOffset);
    return whole;
  } finally {
    closeSync(fd);
  }
}

/** All frames but a torn last one: the walk sees it by length, only the checksum sees it by content. */
function readWhole(fd: number, size: number): Recovered {
  const index = walkFileSync(fd, readIndex(size));
  const last = walkFileSync(fd, findFrame(index, index.lineCount - 1));
  if (last === undefined) {
    return { index: emptyIndex(), lastAtMs: 0 };
  }
  const packed = Buffer.alloc(last.compressedBytes);
  readSync(fd, packed, 0, packed.length, last.offset + HEADER_BYTES);
  const text = unpackIfWhole(last, packed);
  if (text === undefined) {
    return { index: walkFileSync(fd, scanFrames(last.offset)), lastAtMs: 0 };
  }
  const lastLine = parseStoredLines({ first: last.first, text }, index.lineCount - 1, 1).at(-1);
  return { index, lastAtMs: lastLine?.atMs ?? 0 };
}
