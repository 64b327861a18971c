import type { OpenDatabase } from '../../src/adapters/sqlite/open-database.ts';

export interface CountedDatabase extends OpenDatabase {
  /** Resolves when nothing that was written is still on its way, nor follows from what was. */
  settle(): Promise<void>;
  readonly reads: number;
  readonly writes: number;
  /** From now on every write fails as this says; undefined: none does. */
  failWith(trouble: (() => Error) | undefined): void;
}

// Turns of the event loop: a few promises that follow each other are over by then.
const TURNS = 3;

/** The same database, which says when it is at rest. */
export function countedDatabase(database: OpenDatabase): CountedDatabase {
  let underWay = 0;
  let reads = 0;
  let writes = 0;
  let trouble: (() => Error) | undefined;
  return {
    ...database,
    get reads() {
      return reads;
    },
    get writes() {
      return writes;
    },
    failWith: (next) => {
      trouble = next;
    },
    all: (query) => {
      reads += 1;
      return database.all(query);
    },
    first: (query) => {
      reads += 1;
      return database.first(query);
    },
    write: async (unit) => {
      if (trouble !== undefined) {
        throw trouble();
      }
      underWay += 1;
      writes += 1;
      try {
        return await database.write(unit);
      } finally {
        underWay -= 1;
      }
    },
    settle: async () => {
      for (let quiet = 0; quiet < TURNS; ) {
        const before = writes;
        await new Promise((resolve) => setImmediate(resolve));
        quiet = underWay === 0 && before === writes ? quiet + 1 : 0;
      }
    },
  };
}
