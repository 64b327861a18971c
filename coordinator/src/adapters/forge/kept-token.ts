import type { Secret } from '@argunix/shared/kit/secret';

export interface KeptToken {
  get(): Promise<Secret>;
  /** The next `get` reads it again. */
  forget(): void;
}

/** A token is read once and kept until it is told to forget; a reading that failed is not kept. */
export function keepToken(read: () => Promise<Secret>): KeptToken {
  let kept: Promise<Secret> | undefined;
  return {
    async get() {
      const reading = kept ?? read();
      kept = reading;
      try {
        return await reading;
      } catch (error) {
        kept = kept === reading ? undefined : kept;
        throw error;
      }
    },
    forget() {
      kept = undefined;
    },
  };
}
