/** How long to wait before a forge is told again how far an evaluation is. Its end never waits. */

// People who look at a forge look seldom, and every forge counts our requests.
const LEAST_MS = 1_000;
const LEAST_COLLAPSED_MS = 2_000;
// The share of its age that passes between two lines about a large evaluation: an hour is told 38 times, a day 55 times.
// With a sixth a day was 64.
const SHARE = 1 / 5;

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
