import type { Clock } from '@argunix/shared/kit/clock';

export interface Alarm {
  /** Rings once at this moment, and no more at any that was said before; infinite: never. */
  set(at: number): void;
}

// `setTimeout` takes 24 days at most, and a clock that is put right should be noticed before.
const LONGEST_SLEEP_MS = 3_600_000;

/** One timer, for whoever has to look again when something changes by itself. It may ring early. */
export function createAlarm(clock: Clock, ring: () => void, signal: AbortSignal): Alarm {
  let current: { readonly at: number; readonly wait: AbortController } | undefined;

  async function wait(at: number): Promise<void> {
    const own = { at, wait: new AbortController() };
    current = own;
    const waitMs = Math.min(LONGEST_SLEEP_MS, Math.max(0, at - clock.now()) + 1);
    await clock.sleep(waitMs, AbortSignal.any([own.wait.signal, signal]));
    if (current === own) {
      current = undefined;
      if (!signal.aborted) {
        ring();
      }
    }
  }

  return {
    set: (at) => {
      if (at === current?.at) {
        return;
      }
      current?.wait.abort();
      current = undefined;
      if (at !== Number.POSITIVE_INFINITY) {
        void wait(at);
      }
    },
  };
}
