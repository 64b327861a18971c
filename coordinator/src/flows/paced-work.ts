/**
 * Work that thousands ask for: one run at a time, a pause after each, and all who asked meanwhile are
 * answered by one more. To ask costs nothing while a run is asked for already.
 */
import type { Clock } from '@argunix/shared/kit/clock';
import { createOneAtATime } from './one-at-a-time.ts';

export interface PacedWorkOptions {
  readonly work: () => Promise<void>;
  /** Calls `run`, and again when it failed. */
  readonly start: (run: () => Promise<void>) => void;
  readonly pauseMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface PacedWork {
  ask(): void;
  /** For who waits: resolves after a run that began after this call. */
  run(): Promise<void>;
}

export function createPacedWork({ work, start, pauseMs, clock, signal }: PacedWorkOptions): PacedWork {
  let isAskedFor = false;
  let dueAt = Number.NEGATIVE_INFINITY;

  const run = createOneAtATime(
    async () => {
      isAskedFor = false;
      try {
        await work();
      } finally {
        dueAt = clock.now() + pauseMs;
      }
    },
    async () => {
      // A clock that was set back must not make it wait for long.
      const waitMs = Math.min(pauseMs, dueAt - clock.now());
      if (waitMs > 0) {
        await clock.sleep(waitMs, signal);
      }
    },
  );
  return {
    ask: () => {
      if (!isAskedFor) {
        isAskedFor = true;
        start(run);
      }
    },
    run,
  };
}
