/** Who we are at GitHub: a person's token, or an App that has a token for each installation. */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Secret } from '@argunix/shared/kit/secret';
import { keepToken } from '../kept-token.ts';

/** In whose name a request is made. A token does not tell them apart. */
export type Caller =
  | { readonly kind: 'app' }
  | { readonly kind: 'repository'; readonly slug: RepositorySlug }
  /** May only read this one repository: what a git process gets. */
  | { readonly kind: 'clone'; readonly slug: RepositorySlug };

export interface Credentials {
  bearer(caller: Caller, signal: AbortSignal): Promise<Secret>;
  /** GitHub answered `refused` with a 401. Answers whether the next `bearer` is another one. */
  discard(caller: Caller, refused: Secret): boolean;
  /** Forgets everything that was read or asked for. */
  refresh(): void;
}

export function createTokenCredentials(forge: string, read: () => Promise<Secret>): Credentials {
  const token = keepToken(forge, read);
  return {
    bearer: async () => await token.get(),
    discard: () => false,
    refresh: token.forget,
  };
}
