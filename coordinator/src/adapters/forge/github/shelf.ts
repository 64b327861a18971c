/** Values that are asked for once, however many want them at that moment, and kept until dropped. Failures are not kept. */
export interface Shelf<Value> {
  /** What is kept of `key`, else what `make` brings; several callers share one `make`. */
  readonly get: (key: string, make: () => Promise<Value>) => Promise<Value>;
  readonly peek: (key: string) => Value | undefined;
  readonly drop: (key: string) => void;
  readonly clear: () => void;
}

export function createShelf<Value>(): Shelf<Value> {
  const kept = new Map<string, Value>();
  const coming = new Map<string, Promise<Value>>();

  async function bring(key: string, make: () => Promise<Value>): Promise<Value> {
    const making = make();
    coming.set(key, making);
    try {
      const value = await making;
      // Cleared meanwhile, it is still the answer to who waits, and to nobody later.
      if (coming.get(key) === making) {
        kept.set(key, value);
      }
      return value;
    } finally {
      if (coming.get(key) === making) {
        coming.delete(key);
      }
    }
  }

  return {
    get: async (key, make) => kept.get(key) ?? (await (coming.get(key) ?? bring(key, make))),
    peek: (key) => kept.get(key),
    drop: (key) => {
      kept.delete(key);
    },
    clear: () => {
      kept.clear();
      coming.clear();
    },
  };
}
