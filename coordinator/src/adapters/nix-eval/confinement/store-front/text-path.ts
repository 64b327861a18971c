/** Where Nix puts a text, and what it then says of it: computed as the store computes it. */
import { hash } from 'node:crypto';
import { encode, paddingOf, word } from './wire.ts';

export interface TextInfo {
  readonly path: string;
  readonly narHash: string;
  readonly narSize: number;
  readonly contentAddress: string;
}

const STORE_DIR = '/nix/store';
// Without e, o, t and u.
const BASE_32 = '0123456789abcdfghijklmnpqrsvwxyz';
const PATH_HASH_BYTES = 20;
const NAR_HEAD = encode(['nix-archive-1', '(', 'type', 'regular', 'contents']);
const NAR_TAIL = encode([')']);

/** `references` sorted, as Nix sends them. */
export function textInfo(name: string, text: Buffer, references: readonly string[]): TextInfo {
  const digest = hash('sha256', text, 'hex');
  const type = ['text', ...references].join(':');
  const fingerprint = hash('sha256', `${type}:sha256:${digest}:${STORE_DIR}:${name}`, 'buffer');
  const nar = Buffer.concat([
    NAR_HEAD,
    word(text.length),
    text,
    Buffer.alloc(paddingOf(text.length)),
    NAR_TAIL,
  ]);
  return {
    path: `${STORE_DIR}/${base32(compressed(fingerprint))}-${name}`,
    narHash: hash('sha256', nar, 'hex'),
    narSize: nar.length,
    contentAddress: `text:sha256:${base32(Buffer.from(digest, 'hex'))}`,
  };
}

function compressed(digest: Buffer): Buffer {
  const folded = Buffer.alloc(PATH_HASH_BYTES);
  for (const [i, byte] of digest.entries()) {
    const to = i % PATH_HASH_BYTES;
    folded[to] = (folded[to] ?? 0) ^ byte;
  }
  return folded;
}

/** Nix's own: from the last bits to the first. */
function base32(bytes: Buffer): string {
  let text = '';
  for (let n = Math.ceil((bytes.length * 8) / 5) - 1; n >= 0; n -= 1) {
    const bit = n * 5;
    const at = Math.floor(bit / 8);
    const shift = bit % 8;
    const low = (bytes[at] ?? 0) >> shift;
    const high = (bytes[at + 1] ?? 0) << (8 - shift);
    text += BASE_32[(low | high) & 0x1f] ?? '';
  }
  return text;
}
