import type { Statement, Writer } from './writer.ts';

// A transaction of some milliseconds: other changes get in between.
const PIECE = 1_000;

/** Repeats a bounded deletion, each in a transaction of its own, until it finds less than its bound. Returns how many rows. */
export async function inPieces(database: Writer, deletion: (limit: number) => Statement): Promise<number> {
  for (let total = 0; ; ) {
    const result = await database.write([deletion(PIECE)]);
    const count = result.kind === 'done' ? (result.changes[0] ?? 0) : 0;
    total += count;
    if (count < PIECE) {
      return total;
    }
  }
}
