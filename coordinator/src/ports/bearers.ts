import type { RepositoryRef } from '@argunix/shared/control-api/views';
import type { TokenRight } from '@argunix/shared/domain/token-right';

/** What stands behind a token that somebody sent. */
export type Bearer =
  | {
      readonly kind: 'token';
      readonly name: string;
      /** Equal for equal tokens; nothing that opens anything. */
      readonly key: string;
      readonly may: (right: TokenRight, repository: RepositoryRef) => boolean;
    }
  | { readonly kind: 'dead'; readonly name: string; readonly state: 'expired' | 'revoked' }
  | { readonly kind: 'unknown' };

/** Quick, and never throws. That a token was used is kept, at most once a minute. */
export type IdentifyBearer = (token: string) => Bearer;
