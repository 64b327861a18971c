/** What builders fetch from caches because we asked: on the control connection, where they say how far they are. */
import type { CourierToGate } from '../messages.ts';

export interface Substitutions {
  /** Resolves when the builder is through with it, or the signal aborts. */
  run(
    builder: string,
    paths: readonly string[],
    signal: AbortSignal,
    onMoved: (bytesDone: number, bytesTotal: number) => void,
  ): Promise<void>;
  /** Nothing when that builder was not asked for it. */
  moved(news: Asked & { readonly bytesDone: number; readonly bytesTotal: number }): void;
  ended(asked: Asked): void;
}

interface Asked {
  readonly builder: string;
  readonly id: number;
}

interface Running {
  readonly builder: string;
  readonly onMoved: (bytesDone: number, bytesTotal: number) => void;
  readonly resolve: () => void;
}

export function createSubstitutions(tell: (message: CourierToGate) => void): Substitutions {
  const running = new Map<number, Running>();
  let lastId = 0;

  function of({ builder, id }: Asked): Running | undefined {
    const found = running.get(id);
    return found?.builder === builder ? found : undefined;
  }
  return {
    run: async (builder, paths, signal, onMoved) => {
      if (signal.aborted) {
        return;
      }
      lastId += 1;
      const id = lastId;
      const { promise, resolve } = Promise.withResolvers<void>();
      running.set(id, { builder, onMoved, resolve });
      const onAbort = (): void => {
        tell({ kind: 'stop_substituting', builder, id });
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      tell({ kind: 'substitute', builder, id, paths });
      await promise;
      signal.removeEventListener('abort', onAbort);
      running.delete(id);
    },
    moved: ({ bytesDone, bytesTotal, ...asked }) => of(asked)?.onMoved(bytesDone, bytesTotal),
    ended: (asked) => of(asked)?.resolve(),
  };
}
