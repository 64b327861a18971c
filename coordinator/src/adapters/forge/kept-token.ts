import { AppError } from '@argunix/shared/kit/app-error';
import type { Secret } from '@argunix/shared/kit/secret';
import { type KeptSecret, keepSecret } from './kept-secret.ts';

export type KeptToken = KeptSecret;

/** A token is read once and kept until it is told to forget; one that could not be read, or is none, is not kept. */
export function keepToken(forge: string, read: () => Promise<Secret>): KeptToken {
  const kept = keepSecret(forge, 'the token', read);
  return {
    get: async () => {
      const token = await kept.get();
      // Anything else would not go into a header, and the sentence about that would be about the header.
      if (!/^[\u0021-\u007e]+$/.test(token.reveal())) {
        kept.forget();
        throw new AppError('forge.unauthorized', `${forge}: the token holds characters that no token has.`, {
          forge,
        });
      }
      return token;
    },
    forget: kept.forget,
  };
}
