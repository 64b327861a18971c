import type { Change, Changes } from '../../ports/changes.ts';

/** Tells every listener in the order in which they came; one that throws is a bug and harms nobody else. */
export function createChangesHub(onBug: (error: unknown) => void): Changes {
  const listeners = new Set<(change: Change) => void>();
  return {
    tell: (change) => {
      for (const listener of listeners) {
        try {
          listener(change);
        } catch (error) {
          onBug(error);
        }
      }
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
