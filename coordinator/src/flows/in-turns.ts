import type { Clock } from '@argunix/shared/kit/clock';

/** Goes through many items in pieces, between which somebody else gets a turn. */
export async function inTurns<Item>(
  items: readonly Item[],
  size: number,
  clock: Pick<Clock, 'sleep'>,
  work: (piece: readonly Item[]) => void,
): Promise<void> {
  for (let from = 0; from < items.length; from += size) {
    await clock.sleep(0);
    work(items.slice(from, from + size));
  }
}
