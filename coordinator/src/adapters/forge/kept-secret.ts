import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Secret } from '@argunix/shared/kit/secret';

export interface KeptSecret {
  /** Throws `forge.unauthorized` for one that cannot be read. */
  readonly get: () => Promise<Secret>;
  readonly forget: () => void;
}

/** Reads once, and again after it was told to forget or could not read. `what` is for people: `the token`. */
export function keepSecret(forge: string, what: string, read: () => Promise<Secret>): KeptSecret {
  let kept: Promise<Secret> | undefined;
  return {
    get: async () => {
      const reading = kept ?? read();
      kept = reading;
      try {
        return await reading;
      } catch (error) {
        kept = kept === reading ? undefined : kept;
        const sentence = `${forge}: ${what} could not be read: ${messageOf(error)}`;
        throw new AppError('forge.unauthorized', sentence, { forge }, error);
      }
    },
    forget: () => {
      kept = undefined;
    },
  };
}
