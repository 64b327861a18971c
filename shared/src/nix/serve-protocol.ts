/**
 * The wire format of Nix and the serve protocol on it, as `nix-store --serve` speaks it (2.7 from Nix 2.8 to 2.34):
 * integers are 64 bits, least significant byte first; a string is its length, its bytes, and zeros up to a multiple of
 * eight; a list is its length and its items. Nothing the other side sends makes us hold more than it may.
 */
import type { Readable } from 'node:stream';
import { AppError, messageOf } from '../kit/app-error.ts';

export const SERVE_COMMAND = {
  queryValidPaths: 1,
  queryPathInfos: 2,
  dumpStorePath: 3,
  queryClosure: 7,
  addToStoreNar: 9,
} as const;

const WORD = 8;
const HALF = 2 ** 32;

/** Collects what is to be said; `bytes` is all of it. */
export interface WireWriter {
  integer(value: number): WireWriter;
  string(value: string): WireWriter;
  strings(values: readonly string[]): WireWriter;
  bytes(): Buffer;
}

export function createWireWriter(): WireWriter {
  const parts: Buffer[] = [];
  const writer: WireWriter = {
    integer(value) {
      const word = Buffer.alloc(WORD);
      writeInteger(word, value);
      parts.push(word);
      return writer;
    },
    string(value) {
      // One buffer for all of it: a question is thousands of strings.
      const size = Buffer.byteLength(value, 'utf8');
      const text = Buffer.alloc(WORD + size + paddingOf(size));
      writeInteger(text, size);
      text.write(value, WORD, 'utf8');
      parts.push(text);
      return writer;
    },
    strings(values) {
      writer.integer(values.length);
      for (const value of values) {
        writer.string(value);
      }
      return writer;
    },
    bytes: () => Buffer.concat(parts),
  };
  return writer;
}

/** Reads what was said, waiting for it. Throws at the end of the stream and at what is not of the format. */
export interface WireReader {
  integer(): Promise<number>;
  string(maxBytes: number): Promise<string>;
  strings(maxCount: number, maxBytes: number): Promise<readonly string[]>;
  /** What comes next without a form of its own: at least one byte, at most `maxBytes`, not copied. */
  some(maxBytes: number): Promise<Buffer>;
}

export type WireTrouble = 'ended' | 'malformed';

/** `toError` gives what is thrown: `nix.failed` unless told. `onChunk` is told of every sign of life. */
export function createWireReader(
  stream: Readable,
  toError: (trouble: WireTrouble, sentence: string) => Error = toNixFailed,
  onChunk: () => void = () => undefined,
): WireReader {
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  let buffer: Buffer = Buffer.alloc(0);
  let at = 0;

  async function nextChunk(): Promise<Buffer> {
    const next = await chunks.next().catch((error: unknown) => {
      throw toError('ended', `the connection broke: ${messageOf(error)}`);
    });
    if (next.done === true) {
      throw toError('ended', 'the other side ended in the middle of an answer');
    }
    onChunk();
    return next.value;
  }
  async function take(size: number): Promise<Buffer> {
    if (buffer.length - at < size) {
      const parts = [buffer.subarray(at)];
      for (let held = parts[0]?.length ?? 0; held < size; ) {
        const next = await nextChunk();
        parts.push(next);
        held += next.length;
      }
      buffer = Buffer.concat(parts);
      at = 0;
    }
    const taken = buffer.subarray(at, at + size);
    at += size;
    return taken;
  }
  // What is there is taken without waiting: an answer of 8,000 paths is 100,000 words, and most of its chunks hold many.
  async function integer(): Promise<number> {
    return toInteger(buffer.length - at < WORD ? await take(WORD) : here(WORD));
  }
  function here(size: number): Buffer {
    const taken = buffer.subarray(at, at + size);
    at += size;
    return taken;
  }
  function toInteger(word: Buffer): number {
    const value = word.readUInt32LE(WORD / 2) * HALF + word.readUInt32LE(0);
    if (value > Number.MAX_SAFE_INTEGER) {
      throw toError('malformed', `expected a count, got ${word.readBigUInt64LE()}`);
    }
    return value;
  }
  function mustBeAtMost(max: number, value: number, what: string): number {
    if (value > max) {
      throw toError('malformed', `expected at most ${max} ${what}, got ${value}`);
    }
    return value;
  }
  function toText(padded: Buffer, size: number): string {
    for (let zero = size; zero < padded.length; zero += 1) {
      if (padded[zero] !== 0) {
        throw toError('malformed', 'expected zeros after a string');
      }
    }
    return padded.toString('utf8', 0, size);
  }
  async function string(maxBytes: number): Promise<string> {
    return stringHere(maxBytes) ?? (await stringToCome(maxBytes));
  }
  /** Undefined when not all of it has come; then nothing of it was taken. */
  function stringHere(maxBytes: number): string | undefined {
    const held = buffer.length - at;
    if (held < WORD) {
      return undefined;
    }
    const size = mustBeAtMost(maxBytes, toInteger(buffer.subarray(at, at + WORD)), 'bytes');
    const whole = WORD + size + paddingOf(size);
    return held < whole ? undefined : toText(here(whole).subarray(WORD), size);
  }
  async function stringToCome(maxBytes: number): Promise<string> {
    const size = mustBeAtMost(maxBytes, await integer(), 'bytes');
    return toText(await take(size + paddingOf(size)), size);
  }
  return {
    integer,
    string,
    async strings(maxCount, maxBytes) {
      const count = mustBeAtMost(maxCount, await integer(), 'strings');
      const values: string[] = [];
      while (values.length < count) {
        values.push(stringHere(maxBytes) ?? (await stringToCome(maxBytes)));
      }
      return values;
    },
    async some(maxBytes) {
      if (at === buffer.length) {
        buffer = await nextChunk();
        at = 0;
      }
      const taken = buffer.subarray(at, at + maxBytes);
      at += taken.length;
      return taken;
    },
  };
}

function toNixFailed(_trouble: WireTrouble, sentence: string): Error {
  return new AppError('nix.failed', `nix-store --serve: ${sentence}`);
}

// Two halves: a BigInt for each number is what most of the time went into.
function writeInteger(buffer: Buffer, value: number): void {
  buffer.writeUInt32LE(value % HALF, 0);
  buffer.writeUInt32LE(Math.floor(value / HALF), WORD / 2);
}

function paddingOf(size: number): number {
  return (WORD - (size % WORD)) % WORD;
}
