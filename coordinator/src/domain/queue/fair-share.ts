/**
 * Whose turn it is. Each repository has a meter of build time by weight; the lowest is next. A build is charged with
 * what it is expected to take when it is given out, and put right when it has ended, so a long build does not hide
 * behind its end. A repository that had nothing to do comes back level with the lowest of the others: time in which it
 * wanted nothing earns it no claim to everything afterwards.
 *
 * What people see is not the meter, which only compares, but the recent build time.
 */
import type { RepositoryId } from '@argunix/shared/domain/ids';

export interface Meter {
  readonly repositoryId: RepositoryId;
  weight: number;
  /** Build time over weight, since the beginning. Only differences mean something. */
  level: number;
  /** Steps of it that are ready, by the claims of the line. */
  ready: number;
  running: number;
  /** Recent build time as of `recentAt`; it fades by half each hour. */
  recentMs: number;
  recentAt: number;
}

export interface FairShare {
  meter(repositoryId: RepositoryId): Meter;
  /** One more step of it can run. */
  wants(meter: Meter): void;
  charge(meter: Meter, ms: number, now: number): void;
  recentMs(meter: Meter, now: number): number;
  all(): Iterable<Meter>;
}

const HALF_LIFE_MS = 3_600_000;
// A weight of nothing would be an infinite level.
const LEAST_WEIGHT = 0.01;

export function createFairShare(weightOf: (repositoryId: RepositoryId) => number): FairShare {
  const meters = new Map<RepositoryId, Meter>();

  function isActive({ ready, running }: Meter): boolean {
    return ready > 0 || running > 0;
  }
  function lowestActive(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const meter of meters.values()) {
      if (isActive(meter) && meter.level < lowest) {
        lowest = meter.level;
      }
    }
    return lowest;
  }
  function recentMs(meter: Meter, now: number): number {
    return meter.recentMs * 2 ** (-Math.max(0, now - meter.recentAt) / HALF_LIFE_MS);
  }

  return {
    meter: (repositoryId) => {
      let found = meters.get(repositoryId);
      if (found === undefined) {
        found = { repositoryId, weight: 1, level: 0, ready: 0, running: 0, recentMs: 0, recentAt: 0 };
        meters.set(repositoryId, found);
      }
      return found;
    },
    wants: (meter) => {
      if (!isActive(meter)) {
        // The configuration may have changed; while it is active, a change would be unfair to what was charged.
        meter.weight = Math.max(LEAST_WEIGHT, weightOf(meter.repositoryId));
        const lowest = lowestActive();
        if (lowest !== Number.POSITIVE_INFINITY) {
          meter.level = Math.max(meter.level, lowest);
        }
      }
      meter.ready += 1;
    },
    charge: (meter, ms, now) => {
      meter.level += ms / meter.weight;
      meter.recentMs = Math.max(0, recentMs(meter, now) + ms);
      meter.recentAt = now;
    },
    recentMs,
    all: () => meters.values(),
  };
}
