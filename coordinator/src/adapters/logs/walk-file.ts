import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Walk } from './frame-index.ts';

// Headers of small frames lie close together: one read serves many steps of a walk.
const WINDOW_BYTES = 64 * 1024;

export async function walkFile<Found>(file: FileHandle, walk: Walk<Found>): Promise<Found> {
  let window = { offset: 0, bytes: Buffer.alloc(0) };
  for (let step = walk.next(); ; ) {
    if (step.done === true) {
      return step.value;
    }
    const { offset, length } = step.value;
    if (!isWithin(window, offset, length)) {
      const bytes = Buffer.alloc(Math.max(length, WINDOW_BYTES));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
      window = { offset, bytes: bytes.subarray(0, bytesRead) };
    }
    step = walk.next(slice(window, offset, length));
  }
}

export function walkFileSync<Found>(fd: number, walk: Walk<Found>): Found {
  let window = { offset: 0, bytes: Buffer.alloc(0) };
  for (let step = walk.next(); ; ) {
    if (step.done === true) {
      return step.value;
    }
    const { offset, length } = step.value;
    if (!isWithin(window, offset, length)) {
      const bytes = Buffer.alloc(Math.max(length, WINDOW_BYTES));
      window = { offset, bytes: bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset)) };
    }
    step = walk.next(slice(window, offset, length));
  }
}

interface Window {
  readonly offset: number;
  readonly bytes: Buffer;
}

function isWithin(window: Window, offset: number, length: number): boolean {
  return offset >= window.offset && offset + length <= window.offset + window.bytes.length;
}

function slice(window: Window, offset: number, length: number): Buffer {
  return window.bytes.subarray(offset - window.offset, offset - window.offset + length);
}
