import { backoffMs } from './backoff.ts';

const LONGEST_MS = 3_600_000;

/** How long until a repository is looked at again: its own interval, doubled for each trouble in a row, an hour at the most. */
export function lookDelayMs(pollMs: number, troublesInARow: number): number {
  return Math.max(pollMs, backoffMs(pollMs, troublesInARow + 1, LONGEST_MS));
}
