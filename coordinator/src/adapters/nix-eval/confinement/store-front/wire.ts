/**
 * Nix's wire format, read from a buffer that may end in the middle: integers are 64 bits, least significant byte
 * first; a string is its length, its bytes and zeros up to a multiple of eight; a list is its length and its items.
 */
const WORD = 8;
const MAX_FIELD_BYTES = 1024 * 1024;
const MAX_ITEMS = 100_000;

/** Thrown where a buffer ends before what is read does: more is to come. */
export const SHORT = new Error('more is to come');

/** A class, as one is made for each of some thousand requests a second: closures took twice the time. */
export class Cursor {
  /** Behind what was read last. */
  at: number;
  readonly #buffer: Buffer;

  constructor(buffer: Buffer, start: number) {
    this.#buffer = buffer;
    this.at = start;
  }

  bytes(size: number): Buffer {
    const from = this.#pass(size);
    return this.#buffer.subarray(from, this.at);
  }

  integer(): number {
    const from = this.#pass(WORD);
    return this.#buffer.readUInt32LE(from + 4) * 2 ** 32 + this.#buffer.readUInt32LE(from);
  }

  string(): string {
    const size = this.#size();
    const from = this.#pass(size + paddingOf(size));
    return this.#buffer.toString('utf8', from, from + size);
  }

  strings(): readonly string[] {
    const items: string[] = [];
    for (let left = this.#count(); left > 0; left -= 1) {
      items.push(this.string());
    }
    return items;
  }

  skipString(): void {
    const size = this.#size();
    this.#pass(size + paddingOf(size));
  }

  skipStrings(): void {
    for (let left = this.#count(); left > 0; left -= 1) {
      this.skipString();
    }
  }

  /** Where what was passed over begins. */
  #pass(size: number): number {
    const from = this.at;
    if (from + size > this.#buffer.length) {
      throw SHORT;
    }
    this.at = from + size;
    return from;
  }

  #size(): number {
    const size = this.integer();
    if (size > MAX_FIELD_BYTES) {
      throw new Error(`a field of ${size} bytes`);
    }
    return size;
  }

  #count(): number {
    const count = this.integer();
    if (count > MAX_ITEMS) {
      throw new Error(`a list of ${count} items`);
    }
    return count;
  }
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
