/** What a store keeps of an output that is known by its hash: `fixed:r:sha256:<hash in base 32>`. */

// Without e, o, u and t: https://nix.dev/manual/nix/latest/protocols/nix32
const DIGITS = '0123456789abcdfghijklmnpqrsvwxyz';
const HASH_BYTES: Readonly<Record<string, number>> = { md5: 16, sha1: 20, sha256: 32, sha512: 64 };
const BITS = 5;

/** From how the derivation says it: `r:sha256` and hexadecimal. Undefined for what no Nix from 2.8 up knows. */
export function contentAddressOf(algorithm: string, hex: string): string | undefined {
  const method = algorithm.startsWith('r:') ? 'r:' : '';
  const name = algorithm.slice(method.length);
  const size = HASH_BYTES[name];
  if (size === undefined || hex.length !== 2 * size || !/^[0-9a-f]*$/.test(hex)) {
    return undefined;
  }
  return `fixed:${method}${name}:${toNix32(Buffer.from(hex, 'hex'))}`;
}

/** Groups of five bits, the last one first. */
function toNix32(bytes: Buffer): string {
  const length = Math.ceil((bytes.length * 8) / BITS);
  let text = '';
  for (let digit = length - 1; digit >= 0; digit -= 1) {
    const bit = digit * BITS;
    const at = Math.floor(bit / 8);
    const pair = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    text += DIGITS[(pair >> (bit % 8)) & 31];
  }
  return text;
}
