/**
 * A pair of serve processes, one that dumps and one that adds, used by one transfer at a time. It stays open a little
 * after a transfer that went well; after one that did not, both processes are in the middle of something and are ended.
 */
import { createKeyedLock } from '@argunix/shared/kit/keyed-lock';
import type { ServeSession } from './serve-session.ts';
import type { Watch } from './watch.ts';

export interface Pair {
  readonly source: ServeSession;
  readonly sink: ServeSession;
}

export interface Lane {
  /** Waits for its turn, then lends the pair. Throws the first cause of what went wrong. */
  use<Result>(watch: Watch, work: (pair: Pair) => Promise<Result>): Promise<Result>;
  close(): void;
}

export interface LaneOptions {
  readonly openSource: (signal: AbortSignal) => Promise<ServeSession>;
  readonly openSink: (signal: AbortSignal) => Promise<ServeSession>;
  readonly idleMs: number;
}

export function createLane(options: LaneOptions): Lane {
  const turns = createKeyedLock();
  let open: Pair | undefined;
  let idleTimer: NodeJS.Timeout | undefined;

  function close(): void {
    clearTimeout(idleTimer);
    open?.source.destroy();
    open?.sink.destroy();
    open = undefined;
  }
  async function openPair(signal: AbortSignal): Promise<Pair> {
    const opening = [options.openSource(signal), options.openSink(signal)] as const;
    try {
      const [source, sink] = await Promise.all(opening);
      signal.throwIfAborted();
      return { source, sink };
    } catch (error) {
      for (const one of opening) {
        one.then(
          (session) => session.destroy(),
          () => undefined,
        );
      }
      throw error;
    }
  }
  async function lend<Result>(watch: Watch, work: (pair: Pair) => Promise<Result>): Promise<Result> {
    clearTimeout(idleTimer);
    if (open !== undefined && !(open.source.isOpen() && open.sink.isOpen())) {
      close();
    }
    watch.alive();
    open ??= await watch.race(openPair(watch.signal));
    const pair = open;
    watch.signal.addEventListener('abort', close, { once: true });
    for (const session of [pair.source, pair.sink]) {
      session.onMoved(() => watch.alive());
    }
    try {
      const result = await watch.race(work(pair));
      idleTimer = setTimeout(close, options.idleMs);
      return result;
    } catch (error) {
      const explained = await explain(pair, error, watch.signal);
      close();
      throw explained;
    } finally {
      watch.signal.removeEventListener('abort', close);
    }
  }
  return {
    use: async (watch, work) => {
      const { promise: isOurTurn, resolve } = Promise.withResolvers<void>();
      const result = turns.hold('pair', watch.signal, () => {
        resolve();
        return lend(watch, work);
      });
      result.catch(() => resolve());
      await watch.whilePaused(isOurTurn);
      return await result;
    },
    close,
  };
}

/** An abort ended it by taking the processes away: then their broken streams are not the cause. */
async function explain({ source, sink }: Pair, error: unknown, signal: AbortSignal): Promise<unknown> {
  return signal.aborted ? error : await source.explain(await sink.explain(error));
}
