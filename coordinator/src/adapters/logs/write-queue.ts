/**
 * What waits to be written to one log, in order. Nothing here throws or waits for the disk: one that is slow or full
 * makes gaps, and when it takes blocks again the log goes on behind a line that tells of the gap.
 */
import { messageOf } from '@argunix/shared/kit/app-error';
import type { FrameFile } from './frame-file.ts';
import type { Block } from './log-frame.ts';
import { type Gap, gapOf, joinGaps, noticeOf } from './log-gap.ts';
import type { LogLimits } from './log-limits.ts';

export interface WriteQueue {
  /** Left out when too much waits already, unless `isBounded` is false: the last blocks are in memory anyway. */
  push(block: Block, isBounded?: boolean): void;
  leaveOut(gap: Gap): void;
  isIdle(): boolean;
  /** What is not on disk yet, in order; a gap only when a block follows it, for until then it grows. */
  unwritten(): readonly Block[];
  /** Resolves when all is written or given up, and the file is closed. */
  close(): Promise<void>;
}

export interface WriteQueueOptions {
  readonly file: FrameFile;
  readonly limits: LogLimits;
  readonly elapsedMs: () => number;
  /** Called when a disk that took frames refuses one. */
  readonly onTrouble: (message: string) => void;
}

export function createWriteQueue({ file, limits, elapsedMs, onTrouble }: WriteQueueOptions): WriteQueue {
  const segments: (Block | Gap)[] = [];
  /** Before the first segment: told of when the next block is written. */
  let missing: Gap | undefined;
  let queuedBytes = 0;
  let writing: Promise<void> | undefined;
  let trouble: string | undefined;
  let retryAtMs = 0;
  let isClosing = false;

  function leaveOut(gap: Gap): void {
    const last = segments.at(-1);
    if (last === undefined) {
      missing = joinGaps(missing, gap);
    } else if (isGap(last)) {
      segments[segments.length - 1] = joinGaps(last, gap);
    } else {
      segments.push(gap);
    }
  }
  async function writeAll(): Promise<void> {
    for (let head = segments[0]; head !== undefined; head = segments[0]) {
      if (isGap(head)) {
        missing = joinGaps(missing, head);
        segments.shift();
        continue;
      }
      const failure = (await writeMissing()) ?? (await write(head));
      if (failure !== undefined) {
        missing = joinGaps(missing, gapOf(head, failure));
      }
      segments.shift();
      queuedBytes -= head.text.length;
    }
    writing = undefined;
  }
  async function writeMissing(): Promise<string | undefined> {
    const failure = missing === undefined ? undefined : await write(noticeOf(missing, elapsedMs()));
    missing = failure === undefined ? undefined : missing;
    return failure;
  }
  /** Why it is not written, or undefined when it is. */
  async function write(block: Block): Promise<string | undefined> {
    if (trouble !== undefined && !isClosing && elapsedMs() < retryAtMs) {
      return trouble;
    }
    try {
      await file.append(block);
      trouble = undefined;
    } catch (error) {
      const isNew = trouble === undefined;
      trouble = messageOf(error);
      retryAtMs = elapsedMs() + limits.retryMs;
      if (isNew) {
        onTrouble(trouble);
      }
    }
    return trouble;
  }
  return {
    push(block, isBounded = true) {
      if (isBounded && queuedBytes + block.text.length > limits.queueBytes) {
        leaveOut(gapOf(block, trouble ?? 'the disk was too slow'));
        return;
      }
      segments.push(block);
      queuedBytes += block.text.length;
      writing ??= writeAll();
    },
    leaveOut,
    isIdle: () => writing === undefined,
    unwritten() {
      const all = missing === undefined ? segments : [missing, ...segments];
      const isTold = all.at(-1);
      const told = isTold !== undefined && isGap(isTold) ? all.slice(0, -1) : all;
      return told.map((segment) => (isGap(segment) ? noticeOf(segment, elapsedMs()) : segment));
    },
    async close() {
      isClosing = true;
      await writing;
      await writeMissing(); // the last lines themselves are the gap
      await file.close();
    },
  };
}

function isGap(segment: Block | Gap): segment is Gap {
  return 'reason' in segment;
}
