// Node's file calls run on four threads; more in flight only hold file descriptors.
const IN_FLIGHT = 32;

/** Runs `work` on every item, a few at a time. Throws what the first that failed threw, when those in flight are through. */
export async function mapBounded<Item>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  async function takeTurns(): Promise<void> {
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      await work(next.value);
    }
  }
  const turns = Array.from({ length: IN_FLIGHT }, takeTurns);
  await Promise.allSettled(turns);
  await Promise.all(turns);
}
