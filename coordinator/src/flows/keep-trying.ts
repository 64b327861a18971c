import { mayPass } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';

const LONGEST_WAIT_MS = 60_000;

/**
 * Runs `action` until it does not meet trouble that may pass: a full disk must not make us forget an ending that we
 * know. Bugs are thrown at once; so is the last trouble when the signal aborts.
 */
export async function keepTrying<T>(
  { clock, log, retryMs }: { readonly clock: Clock; readonly log: Logger; readonly retryMs: number },
  what: string,
  signal: AbortSignal,
  action: () => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await action();
    } catch (error) {
      if (!mayPass(error) || signal.aborted) {
        throw error;
      }
      log.error({ err: error, failures, what }, 'something could not be done yet and is tried again');
      await clock.sleep(Math.min(retryMs * 2 ** Math.min(failures, 20), LONGEST_WAIT_MS), signal);
    }
  }
}
