import { retryDelayMs } from './retry-delay.ts';

/** How long until a repository is looked at again: its own interval, and longer with each trouble in a row. */
export function lookDelayMs(pollMs: number, troublesInARow: number): number {
  return Math.max(pollMs, retryDelayMs(pollMs, troublesInARow + 1));
}
