/** Tells the log of a lease from a line on, and follows it to its end, as fast as it is taken. */
import { type FileHandle, open } from 'node:fs/promises';
import { logEnd } from '@argunix/shared/protocol/log-stream';
import type { SpoolFile } from './spool-file.ts';

const PIECE_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

export async function* streamSpool(
  spool: SpoolFile,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let file: FileHandle | undefined;
  let at = 0;
  let toSkip = from;
  try {
    for (;;) {
      // In this order: what is whole does not grow after it was looked at.
      const isWhole = spool.isWhole;
      while (at < spool.sizeBytes && !signal.aborted) {
        file ??= await open(spool.path, 'r');
        const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, spool.sizeBytes - at));
        const { bytesRead } = await file.read(piece, 0, piece.length, at);
        if (bytesRead === 0) {
          throw new Error(`${spool.path} is shorter than what was written to it`);
        }
        at += bytesRead;
        const skipped = skipLines(piece.subarray(0, bytesRead), toSkip);
        toSkip = skipped.left;
        if (skipped.rest.length > 0) {
          yield skipped.rest;
        }
      }
      if (signal.aborted) {
        return;
      }
      if (isWhole) {
        yield Buffer.from(logEnd(spool.lines));
        return;
      }
      if (!hasMore(spool, at)) {
        await spool.changed(signal);
      }
    }
  } finally {
    await file?.close();
  }
}

function hasMore({ sizeBytes, isWhole }: SpoolFile, at: number): boolean {
  return at < sizeBytes || isWhole;
}

function skipLines(piece: Buffer, lines: number): { readonly rest: Buffer; readonly left: number } {
  let left = lines;
  let at = 0;
  while (left > 0) {
    const end = piece.indexOf(NEWLINE, at);
    if (end === -1) {
      return { rest: piece.subarray(piece.length), left };
    }
    at = end + 1;
    left -= 1;
  }
  return { rest: piece.subarray(at), left };
}
