/** How long to wait before a forge is told again how far an evaluation is. Its end never waits. */

// People who look at a forge look seldom, and every forge counts our requests.
const LEAST_MS = 1_000;
const LEAST_COLLAPSED_MS = 2_000;
// The share of its age that passes between two lines about a large evaluation: an hour of 10,000 jobs is told 46 times,
// a day 60 times.
const SHARE = 1 / 6;

export interface Progress {
  readonly isEnded: boolean;
  /** One line tells of all jobs. */
  readonly isCollapsed: boolean;
  readonly ageMs: number;
}

export function reportDelayMs({ isEnded, isCollapsed, ageMs }: Progress): number {
  if (isEnded) {
    return 0;
  }
  return isCollapsed ? Math.max(LEAST_COLLAPSED_MS, ageMs * SHARE) : LEAST_MS;
}
