import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Secret } from '@argunix/shared/kit/secret';

export interface KeptToken {
  /** Throws `forge.unauthorized` for one that cannot be read, or is none. */
  get(): Promise<Secret>;
  /** The next `get` reads it again. */
  forget(): void;
}

/** A token is read once and kept until it is told to forget; a reading that failed is not kept. */
export function keepToken(forge: string, read: () => Promise<Secret>): KeptToken {
  let kept: Promise<Secret> | undefined;
  return {
    async get() {
      const reading = kept ?? read();
      kept = reading;
      try {
        return judgeToken(forge, await reading);
      } catch (error) {
        kept = kept === reading ? undefined : kept;
        const sentence = `${forge}: the token could not be read: ${messageOf(error)}`;
        throw error instanceof AppError && error.code === 'forge.unauthorized'
          ? error
          : new AppError('forge.unauthorized', sentence, { forge }, error);
      }
    },
    forget() {
      kept = undefined;
    },
  };
}

/** Anything else would not go into a header, and the sentence about that would be about the header. */
function judgeToken(forge: string, token: Secret): Secret {
  if (!/^[\u0021-\u007e]+$/.test(token.reveal())) {
    throw new AppError('forge.unauthorized', `${forge}: the token holds characters that no token has.`, {
      forge,
    });
  }
  return token;
}
