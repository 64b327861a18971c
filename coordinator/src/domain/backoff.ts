// Doubling 30 times is a thousand years of seconds already; further on numbers stop being whole.
const MOST_DOUBLINGS = 30;

/** How long to wait after so many troubles in a row (1 for the first): `firstMs`, then twice as long each time, up to a limit. */
export function backoffMs(firstMs: number, troubles: number, longestMs: number): number {
  return Math.min(firstMs * 2 ** Math.min(Math.max(troubles - 1, 0), MOST_DOUBLINGS), longestMs);
}
