/** Whether a builder is there, and how often what broke off is tried again once it is. */
import { isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { Patience } from './remote-ports.ts';
import { aborted } from './signals.ts';

export interface Whereabouts {
  readonly isUp: boolean;
  up(): void;
  /** `onLost` is called when it stays away for longer than the grace. */
  down(reason: string): void;
  /** Resolves when it is there, or the signal aborts. */
  untilUp(signal: AbortSignal): Promise<void>;
  /** Tries again what broke off, each time once the builder is there. Throws what the last try threw. */
  persist<Result>(what: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result>;
}

export interface WhereaboutsOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly patience: Patience;
  onLost(reason: string): void;
}

// After these it is quicker to build it elsewhere.
const MOST_TRIES = 4;

export function createWhereabouts(options: WhereaboutsOptions): Whereabouts {
  const { name, clock, log, patience } = options;
  let isUp = false;
  let back = Promise.withResolvers<void>();
  let grace: NodeJS.Timeout | undefined;

  async function untilUp(signal: AbortSignal): Promise<void> {
    // It may come and go again before we hear of it.
    for (let isAway = !isUp; isAway && !signal.aborted; isAway = !isUp) {
      await Promise.race([back.promise, aborted(signal)]);
    }
  }
  return {
    get isUp() {
      return isUp;
    },
    untilUp,
    up: () => {
      isUp = true;
      clearTimeout(grace);
      back.resolve();
    },
    down: (reason) => {
      if (isUp) {
        isUp = false;
        back = Promise.withResolvers();
      }
      clearTimeout(grace);
      const { graceMs } = patience;
      grace = setTimeout(() => {
        const seconds = Math.round(graceMs / 100) / 10;
        options.onLost(`${name} went away (${reason}) and did not come back within ${seconds} s.`);
      }, graceMs);
      grace.unref();
    },
    persist: async (what, signal, work) => {
      for (let tries = 1; ; tries += 1) {
        await untilUp(signal);
        signal.throwIfAborted();
        try {
          return await work();
        } catch (error) {
          if (signal.aborted || tries >= MOST_TRIES || !isAppError(error) || !error.traits.retry) {
            throw error;
          }
          log.warn({ builder: name, what, tries, reason: messageOf(error) }, 'something is tried again');
          await clock.sleep(patience.retryMs * 2 ** (tries - 1), signal);
        }
      }
    },
  };
}
