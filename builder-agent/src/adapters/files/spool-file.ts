/**
 * The log of a lease as it is kept: the lines of its channel (protocol/log-stream), one after the other, in one file
 * that only grows. Written a piece at a time; what waits is bounded by whoever heeds `room`.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { messageOf } from '@argunix/shared/kit/app-error';
import { logLine } from '@argunix/shared/protocol/log-stream';
import type { LogSpool } from '../../ports/log-spool.ts';

export interface SpoolFile extends LogSpool {
  /** Called once, when it cannot be written any more. */
  onTrouble(tell: () => void): void;
  readonly path: string;
  /** Of what is written and may be read. */
  readonly sizeBytes: number;
  readonly lines: number;
  /** Nothing follows any more. */
  readonly isWhole: boolean;
  /** Resolves when any of these has changed, or the signal aborts. */
  changed(signal: AbortSignal): Promise<void>;
}

// A second of a build that prints as fast as a slow disk writes.
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

export function createSpoolFile(path: string): SpoolFile {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let waitingLines = 0;
  let sizeBytes = 0;
  let lines = 0;
  let isClosing = false;
  let isWhole = false;
  let trouble: string | null = null;
  let file: FileHandle | undefined;
  let writing: Promise<void> | undefined;
  let tellTrouble: (() => void) | undefined;
  let room: PromiseWithResolvers<void> | undefined;
  const watchers = new Set<() => void>();
  const { promise: closed, resolve: resolveClosed } = Promise.withResolvers<number>();

  function tellChange(): void {
    const told = [...watchers];
    watchers.clear();
    for (const tell of told) {
      tell();
    }
  }
  async function writeWaiting(): Promise<void> {
    const piece = Buffer.concat(waiting);
    const pieceLines = waitingLines;
    waiting = [];
    waitingLines = 0;
    file ??= await open(path, 'a', 0o600);
    await file.appendFile(piece);
    waitingBytes -= piece.length;
    sizeBytes += piece.length;
    lines += pieceLines;
    tellChange();
  }
  async function writeAll(): Promise<void> {
    try {
      while (waiting.length > 0) {
        await writeWaiting();
        if (waitingBytes < MAX_WAITING_BYTES / 2) {
          room?.resolve();
          room = undefined;
        }
      }
      if (isClosing) {
        await file?.close();
      }
    } catch (error) {
      trouble = messageOf(error);
      waiting = [];
      waitingBytes = 0;
      room?.resolve();
      room = undefined;
      await file?.close().catch(() => undefined);
      tellTrouble?.();
    }
    writing = undefined;
    if (isClosing) {
      isWhole = true;
      resolveClosed(lines);
      tellChange();
    }
  }
  return {
    path,
    onTrouble(tell) {
      tellTrouble = tell;
    },
    get sizeBytes() {
      return sizeBytes;
    },
    get lines() {
      return lines;
    },
    get isWhole() {
      return isWhole;
    },
    get trouble() {
      return trouble;
    },
    append(more) {
      if (isClosing || trouble !== null || more.length === 0) {
        return;
      }
      const piece = Buffer.from(more.map(logLine).join(''));
      waiting.push(piece);
      waitingBytes += piece.length;
      waitingLines += more.length;
      writing ??= writeAll();
    },
    room() {
      if (waitingBytes < MAX_WAITING_BYTES) {
        return undefined;
      }
      room ??= Promise.withResolvers();
      return room.promise;
    },
    close() {
      if (!isClosing) {
        isClosing = true;
        writing ??= writeAll();
      }
      return closed;
    },
    changed(signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const tell = (): void => {
        watchers.delete(tell);
        signal.removeEventListener('abort', tell);
        resolve();
      };
      watchers.add(tell);
      signal.addEventListener('abort', tell);
      if (signal.aborted) {
        tell();
      }
      return promise;
    },
  };
}

/** The log of an earlier life, to which nothing is added. */
export function keptSpoolFile(path: string, sizeBytes: number, lines: number): SpoolFile {
  return {
    path,
    sizeBytes,
    lines,
    isWhole: true,
    trouble: null,
    onTrouble: () => undefined,
    append: () => undefined,
    room: () => undefined,
    close: () => Promise.resolve(lines),
    changed: () => Promise.resolve(),
  };
}
