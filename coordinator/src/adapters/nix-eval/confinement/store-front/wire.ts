/**
 * Nix's wire format, read from a buffer that may end in the middle: integers are 64 bits, least significant byte
 * first; a string is its length, its bytes and zeros up to a multiple of eight; a list is its length and its items.
 */
const WORD = 8;
const MAX_FIELD_BYTES = 1024 * 1024;
const MAX_ITEMS = 100_000;

/** Thrown where a buffer ends before what is read does: more is to come. */
export const SHORT = new Error('more is to come');

export interface Cursor {
  /** Behind what was read last. */
  readonly at: number;
  integer(): number;
  string(): string;
  strings(): readonly string[];
  skipString(): void;
  skipStrings(): void;
  bytes(size: number): Buffer;
}

export function readFrom(buffer: Buffer, start: number): Cursor {
  let at = start;

  function bytes(size: number): Buffer {
    if (at + size > buffer.length) {
      throw SHORT;
    }
    at += size;
    return buffer.subarray(at - size, at);
  }
  function integer(): number {
    if (at + WORD > buffer.length) {
      throw SHORT;
    }
    const low = buffer.readUInt32LE(at);
    const high = buffer.readUInt32LE(at + 4);
    at += WORD;
    return high * 2 ** 32 + low;
  }
  function text(): Buffer {
    const size = integer();
    if (size > MAX_FIELD_BYTES) {
      throw new Error(`a field of ${size} bytes`);
    }
    const taken = bytes(size);
    bytes(paddingOf(size));
    return taken;
  }
  function count(): number {
    const items = integer();
    if (items > MAX_ITEMS) {
      throw new Error(`a list of ${items} items`);
    }
    return items;
  }

  return {
    get at() {
      return at;
    },
    ...{ integer, bytes },
    string: () => text().toString('utf8'),
    strings() {
      const items: string[] = [];
      for (let left = count(); left > 0; left -= 1) {
        items.push(text().toString('utf8'));
      }
      return items;
    },
    skipString: () => void text(),
    skipStrings() {
      for (let left = count(); left > 0; left -= 1) {
        text();
      }
    },
  };
}

export function encode(values: readonly (number | string | readonly string[])[]): Buffer {
  const parts: Buffer[] = [];
  for (const value of values) {
    if (typeof value === 'number') {
      parts.push(word(value));
    } else if (typeof value === 'string') {
      encodeString(value, parts);
    } else {
      parts.push(word(value.length));
      for (const item of value) {
        encodeString(item, parts);
      }
    }
  }
  return Buffer.concat(parts);
}

export function paddingOf(size: number): number {
  return (WORD - (size % WORD)) % WORD;
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(WORD);
  bytes.writeUInt32LE(value % 2 ** 32, 0);
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), 4);
  return bytes;
}

function encodeString(value: string, parts: Buffer[]): void {
  const text = Buffer.from(value, 'utf8');
  parts.push(word(text.length), text, Buffer.alloc(paddingOf(text.length)));
}
