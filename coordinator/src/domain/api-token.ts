/**
 * A token of the API. It lives from its making until it is revoked or expires, whichever comes first; a dead one never
 * lives again, but its name may be given to another.
 */
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { TokenRight } from '@argunix/shared/domain/token-right';

export interface ApiToken {
  readonly name: string;
  readonly rights: readonly TokenRight[];
  /** A glob over `forge/owner/name`. */
  readonly repositories: string;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs | null;
  readonly lastUsedAt: EpochMs | null;
  readonly revokedAt: EpochMs | null;
}

export type TokenState = 'works' | 'expired' | 'revoked';

export function tokenState(
  { expiresAt, revokedAt }: Pick<ApiToken, 'expiresAt' | 'revokedAt'>,
  now: EpochMs,
): TokenState {
  if (revokedAt !== null) {
    return 'revoked';
  }
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'works';
}

/** Of a repository that it is for: whoever may do anything there may also read. */
export function tokenMay({ rights }: Pick<ApiToken, 'rights'>, right: TokenRight): boolean {
  return right === 'read' || rights.includes(right) || rights.includes('admin');
}
