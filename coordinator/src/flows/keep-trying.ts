import { mayPass } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { retryDelayMs } from '../domain/retry-delay.ts';

export interface PatiencePorts {
  readonly clock: Clock;
  readonly log: Logger;
  /** The first wait; each later one is twice as long. */
  readonly retryMs: number;
}

// A full disk is noticed and cleared by a person: a minute more does not matter to anybody then.
const LONGEST_WAIT_MS = 60_000;

/**
 * Runs `action` until it does not meet trouble that may pass: a full disk must not make us forget an ending that we
 * know. Bugs are thrown at once; so is the last trouble when the signal aborts.
 */
export async function keepTrying<T>(
  { clock, log, retryMs }: PatiencePorts,
  what: string,
  signal: AbortSignal,
  action: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await action();
    } catch (error) {
      if (!mayPass(error) || signal.aborted) {
        throw error;
      }
      log.error({ err: error, failures, what }, 'something could not be done yet and is tried again');
      await clock.sleep(Math.min(retryDelayMs(retryMs, failures), LONGEST_WAIT_MS), signal);
    }
  }
}
