import { createHash } from 'node:crypto';

/** What is stored and looked for in place of a key, which may be long. */
export function reuseDigest(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
