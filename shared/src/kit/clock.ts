import { type EpochMs, toEpochMs } from '../domain/epoch-ms.ts';

/** Where flows get time from, so that a test can hold it. */
export interface Clock {
  now(): EpochMs;
  /** Resolves after `ms`, or at once when the signal aborts; never rejects, so a wait needs no catch. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => toEpochMs(Date.now()),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const timer = setTimeout(end, ms);
      signal?.addEventListener('abort', end, { once: true });
      function end(): void {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      }
    }),
};
