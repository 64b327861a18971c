/** How long until a repository is looked at again: its own interval, doubled for each trouble in a row, an hour at the most. */
const LONGEST_MS = 3_600_000;

export function lookDelayMs(pollMs: number, troublesInARow: number): number {
  const backedOff = pollMs * 2 ** Math.min(troublesInARow, 20);
  return Math.max(pollMs, Math.min(backedOff, LONGEST_MS));
}
