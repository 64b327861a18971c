/**
 * Hands found jobs over in batches: soon, so that they are rooted and shown while the evaluation goes on; not one
 * by one, so that storing them is cheap. One hand-over at a time.
 */
import type { Found } from '../../ports/evaluator.ts';

// A person sees a job within a twentieth of a second; at full speed Nix finds some 200 in that time.
const MAX_ITEMS = 200;
const MAX_WAIT_MS = 50;

export interface FoundBatches {
  add(found: Found): void;
  /** Resolves when there is room again: awaiting it before reading on is what holds the evaluator back. */
  room(): Promise<void>;
  /** Hands over what is left. Throws what `onFound` threw, now or earlier. */
  flush(): Promise<void>;
}

export function createFoundBatches(
  onFound: (found: readonly Found[]) => Promise<void>,
  onFailure: () => void,
): FoundBatches {
  let waiting: Found[] = [];
  let timer: NodeJS.Timeout | undefined;
  let handing: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;

  function handOver(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    handing ??= handAll().finally(() => {
      handing = undefined;
    });
    return handing;
  }
  async function handAll(): Promise<void> {
    while (waiting.length > 0 && failure === undefined) {
      const batch = waiting;
      waiting = [];
      try {
        await onFound(batch);
      } catch (error) {
        failure = { error };
        onFailure();
      }
    }
  }

  return {
    add(found) {
      waiting.push(found);
      timer ??= setTimeout(() => void handOver(), MAX_WAIT_MS);
    },
    async room() {
      if (waiting.length >= MAX_ITEMS) {
        await handOver();
      }
    },
    async flush() {
      await handOver();
      if (failure !== undefined) {
        throw failure.error;
      }
    },
  };
}
