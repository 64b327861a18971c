import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { TokenSecrets } from '../../ports/token-store.ts';

// So that scanners of secrets know one, and people what it is.
const PREFIX = 'argx_';

/** 256 random bits: nobody guesses them, so one round of SHA-256 keeps them as well as a slow hash would. */
export const tokenSecrets: TokenSecrets = {
  make: () => PREFIX + randomBytes(32).toString('base64url'),
  digest: (token) => createHash('sha256').update(token).digest('hex'),
  isSame: (one, other) =>
    one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other)),
};
