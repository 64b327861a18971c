/**
 * Watches over one push or pull: it is over when its caller says so, or when nothing moved for too long, however alive
 * the connection looks. Whichever comes first is its ending.
 */
import { AppError } from '@argunix/shared/kit/app-error';

export interface Watch {
  /** Aborts with the reason that is to be thrown. */
  readonly signal: AbortSignal;
  /** Something moved. */
  alive(): void;
  /** The answer, or the ending if that comes first. */
  race<Answer>(answer: Promise<Answer>): Promise<Answer>;
  /** While it waits for what has a watch of its own: a question, another's transfer. */
  whilePaused<Answer>(answer: Promise<Answer>): Promise<Answer>;
}

export interface WatchOptions {
  readonly stallMs: number;
  readonly signal: AbortSignal | undefined;
  /** What is under way, for the sentence of a stall. */
  readonly what: string;
}

const LOOKS_PER_STALL = 8;

export async function underWatch<Result>(
  { stallMs, signal, what }: WatchOptions,
  work: (watch: Watch) => Promise<Result>,
): Promise<Result> {
  const ending = new AbortController();
  let movedAt = performance.now();
  let pauses = 0;
  const timer = setInterval(() => {
    if (pauses > 0) {
      movedAt = performance.now();
    } else if (performance.now() - movedAt >= stallMs) {
      const seconds = Math.round(stallMs / 100) / 10;
      ending.abort(new AppError('closure.stalled', `${what}: nothing moved for ${seconds} s`, { stallMs }));
    }
  }, stallMs / LOOKS_PER_STALL);
  const onAbort = (): void => ending.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const { promise: over, reject } = Promise.withResolvers<never>();
  over.catch(() => undefined);
  ending.signal.addEventListener(
    'abort',
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason is thrown as it is
    () => reject(ending.signal.reason),
    { once: true },
  );
  const watch: Watch = {
    signal: ending.signal,
    alive() {
      movedAt = performance.now();
    },
    race: (answer) => Promise.race([answer, over]),
    async whilePaused(answer) {
      pauses += 1;
      try {
        return await Promise.race([answer, over]);
      } finally {
        pauses -= 1;
        movedAt = performance.now();
      }
    },
  };
  try {
    signal?.throwIfAborted();
    return await work(watch);
  } catch (error) {
    // Of several things under way at once, one that failed ends the others.
    ending.abort(error);
    throw error;
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
