import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { Clock } from '@argunix/shared/kit/clock';

/** Time that passes only when a test says so. */
export interface ManualClock extends Clock {
  /** Passes from one wake-up to the next; at each, what follows from it happens before time goes on. */
  advance(ms: number): Promise<void>;
  /** How often somebody was woken. */
  readonly wakings: number;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

// Whoever is woken so often in one test goes round in circles.
const MOST_WAKINGS = 50_000;

/** `settle` resolves when nothing is under way that would go on by itself. */
export function createManualClock(start: EpochMs, settle: () => Promise<void>): ManualClock {
  const sleepers = new Set<Sleeper>();
  let now = Number(start);
  let wakings = 0;

  function next(until: number): Sleeper | undefined {
    return [...sleepers].filter(({ at }) => at <= until).toSorted((one, other) => one.at - other.at)[0];
  }

  return {
    get wakings() {
      return wakings;
    },
    now: () => toEpochMs(now),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const sleeper: Sleeper = {
          at: now + Math.max(0, ms),
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake, { once: true });
      }),
    advance: async (ms) => {
      const end = now + ms;
      await settle();
      for (let sleeper = next(end); sleeper !== undefined; sleeper = next(end)) {
        now = Math.max(now, sleeper.at);
        wakings += 1;
        if (wakings > MOST_WAKINGS) {
          throw new Error(`somebody was woken ${wakings} times`);
        }
        sleeper.wake();
        await settle();
      }
      now = end;
    },
  };
}
