/**
 * One log while it is written. Lines are numbered and handed to the live ring, and gathered into blocks for the disk:
 * the head of the log up to its cap as it comes, of what follows only the last blocks, when the log is closed.
 */
import type { Logger } from '@argunix/shared/kit/logger';
import type { LogWriter } from '../../ports/log-store.ts';
import type { FrameFile } from './frame-file.ts';
import type { FrameIndex } from './frame-index.ts';
import { createLiveRing, type LiveRing } from './live-ring.ts';
import type { Block } from './log-frame.ts';
import { type Gap, gapOf, joinGaps, noticeOf } from './log-gap.ts';
import type { LogLimits } from './log-limits.ts';
import { cleanLines, toStoredLine } from './stored-line.ts';
import { createWriteQueue } from './write-queue.ts';

export interface OpenLog extends LogWriter {
  readonly ring: LiveRing;
  /** What of it is on disk. */
  readonly index: FrameIndex;
  /** The lines that are not on disk yet, in order. */
  unwritten(): readonly Block[];
  lineCount(): number;
}

export interface OpenLogOptions {
  readonly file: FrameFile;
  readonly limits: LogLimits;
  readonly logger: Logger;
  readonly path: string;
  readonly nowMs: () => number;
  readonly openLogs: () => number;
  readonly onClosed: () => void;
}

export function createOpenLog(options: OpenLogOptions): OpenLog {
  const { file, limits, logger, path } = options;
  const openedAtMs = options.nowMs() - file.lastAtMs;
  const elapsedMs = (): number => Math.max(0, Math.round(options.nowMs() - openedAtMs));
  const ring = createLiveRing(file.index.lineCount, limits, options.openLogs);
  const queue = createWriteQueue({ file, limits, elapsedMs, onTrouble });
  let next = file.index.lineCount;
  let draft: string[] = [];
  let draftBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let headBytes = file.index.rawBytes;
  /** What is over the cap: its last blocks, and how much was dropped before them. */
  const tail: Block[] = [];
  let tailBytes = 0;
  let beforeTail: Gap | undefined;
  let closing: Promise<void> | undefined;

  function onTrouble(message: string): void {
    logger.error({ path, reason: message }, 'a build log cannot be written, the build goes on without it');
    if (closing === undefined) {
      const text = `argunix: this log cannot be stored (${message}); what follows may be left out of it`;
      add({ derivation: '', phase: '', text });
    }
  }
  function add(line: Parameters<LogWriter['append']>[0][number]): void {
    for (const clean of cleanLines(line, elapsedMs())) {
      const stored = toStoredLine(clean);
      next += 1;
      draft.push(stored);
      draftBytes += stored.length;
      ring.push(stored);
      if (draftBytes >= limits.frameBytes) {
        seal();
      }
    }
    if (draft.length > 0) {
      timer ??= setTimeout(sealWhenIdle, limits.frameMs);
    }
  }
  function sealWhenIdle(): void {
    timer = undefined;
    if (queue.isIdle()) {
      seal();
    } else {
      timer = setTimeout(sealWhenIdle, limits.frameMs); // the disk is busy: larger frames help it
    }
  }
  function takeDraft(): Block {
    return { first: next - draft.length, count: draft.length, text: Buffer.from(draft.join('')) };
  }
  function seal(): void {
    clearTimeout(timer);
    timer = undefined;
    if (draft.length === 0) {
      return;
    }
    const block = takeDraft();
    draft = [];
    draftBytes = 0;
    if (tail.length === 0 && headBytes + block.text.length <= limits.maxBytes) {
      headBytes += block.text.length;
      queue.push(block);
    } else {
      keepInTail(block);
    }
  }
  function keepInTail(block: Block): void {
    tail.push(block);
    tailBytes += block.text.length;
    for (let oldest = tail[0]; oldest !== undefined; oldest = tail[0]) {
      if (tailBytes - oldest.text.length < limits.tailBytes) {
        return;
      }
      tail.shift();
      tailBytes -= oldest.text.length;
      beforeTail = joinGaps(beforeTail, gapOf(oldest, `a log holds ${limits.maxBytes} bytes and its end`));
    }
  }
  async function finish(): Promise<void> {
    seal();
    ring.end();
    if (beforeTail !== undefined) {
      queue.leaveOut(beforeTail);
      beforeTail = undefined;
    }
    for (const block of tail.splice(0)) {
      queue.push(block, false);
    }
    try {
      await queue.close();
    } catch (error) {
      logger.error({ path, err: error }, 'a build log could not be closed');
    }
    options.onClosed();
  }
  return {
    ring,
    index: file.index,
    append(lines) {
      if (closing === undefined) {
        for (const line of lines) {
          add(line);
        }
      }
    },
    unwritten() {
      const gap = beforeTail === undefined ? [] : [noticeOf(beforeTail, elapsedMs())];
      return [...queue.unwritten(), ...gap, ...tail, ...(draft.length === 0 ? [] : [takeDraft()])];
    },
    lineCount: () => next,
    async close() {
      closing ??= finish();
      await closing;
    },
  };
}
