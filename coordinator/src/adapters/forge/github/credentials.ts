/** Who we are at GitHub: a person's token, or an App that has a token for each installation. */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Secret } from '@argunix/shared/kit/secret';

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

export interface SecretSource {
  /** What it is, for people: `the token`. */
  readonly what: string;
  readonly read: () => Promise<Secret>;
}

export function createTokenCredentials(forge: string, read: () => Promise<Secret>): Credentials {
  const token = createKeptSecret(forge, { what: 'the token', read });
  return {
    bearer: async () => {
      const secret = await token.get();
      // Anything else would not go into a header, and the sentence about that would be about the header.
      if (!/^[\u0021-\u007e]+$/.test(secret.reveal())) {
        throw unauthorized(forge, 'the token holds characters that no token has');
      }
      return secret;
    },
    discard: () => false,
    refresh: token.forget,
  };
}

export interface KeptSecret {
  readonly get: () => Promise<Secret>;
  readonly forget: () => void;
}

/** Reads once, and again after it was told to forget or could not read. */
export function createKeptSecret(forge: string, { what, read }: SecretSource): KeptSecret {
  let kept: Promise<Secret> | undefined;
  return {
    get: async () => {
      const reading = kept ?? read();
      kept = reading;
      try {
        return await reading;
      } catch (error) {
        kept = kept === reading ? undefined : kept;
        throw unauthorized(forge, `${what} could not be read: ${messageOf(error)}`, error);
      }
    },
    forget: () => {
      kept = undefined;
    },
  };
}

export function unauthorized(forge: string, sentence: string, cause?: unknown): AppError {
  return new AppError('forge.unauthorized', `${forge}: ${sentence}.`, { forge }, cause);
}
