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
  moved(id: number, bytesDone: number, bytesTotal: number): void;
  ended(id: number): void;
}

interface Running {
  readonly onMoved: (bytesDone: number, bytesTotal: number) => void;
  readonly resolve: () => void;
}

export function createSubstitutions(tell: (message: CourierToGate) => void): Substitutions {
  const running = new Map<number, Running>();
  let lastId = 0;
  return {
    run: async (builder, paths, signal, onMoved) => {
      lastId += 1;
      const id = lastId;
      const { promise, resolve } = Promise.withResolvers<void>();
      running.set(id, { onMoved, resolve });
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
    moved: (id, bytesDone, bytesTotal) => running.get(id)?.onMoved(bytesDone, bytesTotal),
    ended: (id) => running.get(id)?.resolve(),
  };
}
