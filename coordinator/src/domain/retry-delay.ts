/** How long until what the host or the network spoiled is tried again: twice as long each time, an hour at the most. */
const LONGEST_MS = 3_600_000;

export function retryDelayMs(retryMs: number, failuresInARow: number): number {
  return Math.min(retryMs * 2 ** Math.min(failuresInARow - 1, 30), LONGEST_MS);
}
