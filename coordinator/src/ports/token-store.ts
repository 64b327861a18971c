import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { ApiToken } from '../domain/api-token.ts';

export interface StoredToken extends ApiToken {
  /** All that is kept of the token itself. */
  readonly digest: string;
}

export interface TokenStore {
  /** In the order of their names, dead ones too. */
  all(): readonly StoredToken[];
  /** Takes the place of a dead one of this name; false when there is one that works. */
  create(token: Omit<StoredToken, 'createdAt' | 'lastUsedAt' | 'revokedAt'>, at: EpochMs): Promise<boolean>;
  /** False when there is none, or it was revoked before. */
  revoke(name: string, at: EpochMs): Promise<boolean>;
  used(digest: string, at: EpochMs): Promise<void>;
}

/** What tokens need of cryptography. */
export interface TokenSecrets {
  /** A new one, not to be guessed. */
  make(): string;
  digest(token: string): string;
  /** Of digests, in a time that does not depend on where they differ. */
  isSame(one: string, other: string): boolean;
}
