/**
 * Where in a file which line is: an entry for every 64 KiB of text, so it stays small for a log of five hours written
 * four times a second. Kept in memory while a log is live, put behind its last frame when it is closed, and made anew
 * by hopping through the headers where a crash left none.
 */
import { endOf, type FrameHeader, HEADER_BYTES, parseHeader } from './log-frame.ts';

export interface FrameIndex {
  readonly entries: { readonly offset: number; readonly first: number }[];
  /** Where the next frame goes. */
  endOffset: number;
  /** One more than the number of the last line. */
  lineCount: number;
  rawBytes: number;
  sinceEntry: number;
}

/** What a walk through a file asks for, and is handed. Both ways of reading, at once and later, serve it. */
export type Walk<Found> = Generator<{ readonly offset: number; readonly length: number }, Found, Buffer>;

const ENTRY_EVERY_BYTES = 64 * 1024;
const ENTRY_BYTES = 12;
const FOOTER_BYTES = 26;
const SKIPPABLE_INDEX = 0x184d2a5b;
const FOOTER_TAG = 0x78677261; // "argx"

export function emptyIndex(): FrameIndex {
  return { entries: [], endOffset: 0, lineCount: 0, rawBytes: 0, sinceEntry: 0 };
}

export function addFrame(index: FrameIndex, header: FrameHeader): void {
  if (index.entries.length === 0 || index.sinceEntry >= ENTRY_EVERY_BYTES) {
    index.entries.push({ offset: header.offset, first: header.first });
    index.sinceEntry = 0;
  }
  index.sinceEntry += header.rawBytes;
  index.rawBytes += header.rawBytes;
  index.endOffset = endOf(header);
  index.lineCount = header.first + header.count;
}

/** The first frame with a line numbered `from` or more. */
export function* findFrame(index: FrameIndex, from: number): Walk<FrameHeader | undefined> {
  let offset = startFor(index, from);
  while (offset < index.endOffset) {
    const header = parseHeader(yield { offset, length: HEADER_BYTES + 4 }, offset);
    if (header === undefined || endOf(header) > index.endOffset) {
      return undefined;
    }
    if (header.first + header.count > from) {
      return header;
    }
    offset = endOf(header);
  }
  return undefined;
}

/** The index of a file of `size` bytes: the one at its end, or made from its whole frames. */
export function* readIndex(size: number): Walk<FrameIndex> {
  return (yield* readFooter(size)) ?? (yield* scanFrames(size));
}

export function* scanFrames(size: number): Walk<FrameIndex> {
  const index = emptyIndex();
  for (;;) {
    const header = parseHeader(yield { offset: index.endOffset, length: HEADER_BYTES + 4 }, index.endOffset);
    if (header === undefined || endOf(header) > size || header.first < index.lineCount) {
      return index;
    }
    addFrame(index, header);
  }
}

/** The index as a skippable frame for the end of the file. */
export function packIndex(index: FrameIndex): Buffer {
  const payload = index.entries.length * ENTRY_BYTES + FOOTER_BYTES;
  const bytes = Buffer.alloc(8 + payload);
  bytes.writeUInt32LE(SKIPPABLE_INDEX, 0);
  bytes.writeUInt32LE(payload, 4);
  let at = 8;
  for (const { offset, first } of index.entries) {
    bytes.writeUIntLE(offset, at, 6);
    bytes.writeUIntLE(first, at + 6, 6);
    at += ENTRY_BYTES;
  }
  bytes.writeUIntLE(index.lineCount, at, 6);
  bytes.writeUIntLE(index.endOffset, at + 6, 6);
  bytes.writeUIntLE(index.rawBytes, at + 12, 6);
  bytes.writeUInt32LE(index.entries.length, at + 18);
  bytes.writeUInt32LE(FOOTER_TAG, at + 22);
  return bytes;
}

function* readFooter(size: number): Walk<FrameIndex | undefined> {
  if (size < FOOTER_BYTES + 8) {
    return undefined;
  }
  const footer = yield { offset: size - FOOTER_BYTES, length: FOOTER_BYTES };
  if (footer.length < FOOTER_BYTES || footer.readUInt32LE(22) !== FOOTER_TAG) {
    return undefined;
  }
  const lineCount = footer.readUIntLE(0, 6);
  const endOffset = footer.readUIntLE(6, 6);
  const rawBytes = footer.readUIntLE(12, 6);
  const count = footer.readUInt32LE(18);
  const start = size - FOOTER_BYTES - count * ENTRY_BYTES - 8;
  if (start !== endOffset) {
    return undefined;
  }
  const bytes = yield { offset: start, length: 8 + count * ENTRY_BYTES };
  if (bytes.length < 8 + count * ENTRY_BYTES || bytes.readUInt32LE(0) !== SKIPPABLE_INDEX) {
    return undefined;
  }
  const index = emptyIndex();
  for (let at = 8; at < bytes.length; at += ENTRY_BYTES) {
    index.entries.push({ offset: bytes.readUIntLE(at, 6), first: bytes.readUIntLE(at + 6, 6) });
  }
  return Object.assign(index, { lineCount, endOffset, rawBytes, sinceEntry: ENTRY_EVERY_BYTES });
}

function startFor(index: FrameIndex, from: number): number {
  let low = 0;
  let high = index.entries.length - 1;
  let found = 0;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const entry = index.entries[middle];
    if (entry !== undefined && entry.first <= from) {
      found = entry.offset;
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  return found;
}
