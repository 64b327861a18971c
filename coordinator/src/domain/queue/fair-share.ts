/**
 * Whose turn it is. Each repository has a meter of build time by weight; the lowest is next. A build is charged with
 * what it is expected to take when it is given out, and put right when it has ended, so a long build does not hide
 * behind its end. A repository that had nothing to do comes back level with the lowest of the others, by what they have
 * used by then; where nobody has anything to do, with the highest: time in which it wanted nothing earns it no claim to
 * everything afterwards.
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
  /** Of those that run: what they were charged with, and when they began, added up. */
  runningChargedMs: number;
  runningTakenAt: number;
  /** Recent build time as of `recentAt`; it fades by half each hour. */
  recentMs: number;
  recentAt: number;
}

export interface FairShare {
  meter(repositoryId: RepositoryId): Meter;
  /** One more step of it can run. */
  wants(meter: Meter, now: number): void;
  /** It is expected to take so long. */
  begins(meter: Meter, expectedMs: number, now: number): void;
  /** It was charged with so much when it was taken, and took what it took. */
  ends(meter: Meter, chargedMs: number, takenAt: number, now: number): void;
  /** What was built at its expense before we knew of it. */
  recall(meter: Meter, builtMs: number, now: number): void;
  recentMs(meter: Meter, now: number): number;
  /** How often any level fell: until then, whoever was the lowest is so as long as its own level stays. */
  readonly falls: number;
  all(): Iterable<Meter>;
}

const HALF_LIFE_MS = 3_600_000;
// A weight of nothing would be an infinite level.
const LEAST_WEIGHT = 0.01;

export function createFairShare(weightOf: (repositoryId: RepositoryId) => number): FairShare {
  const meters = new Map<RepositoryId, Meter>();
  let falls = 0;

  function isActive({ ready, running }: Meter): boolean {
    return ready > 0 || running > 0;
  }
  /** What is charged ahead is not used yet: whoever were put level with it would pay for another's long guess. */
  function usedLevel(meter: Meter, now: number): number {
    const usedMs = meter.running * now - meter.runningTakenAt;
    return meter.level - Math.max(0, meter.runningChargedMs - usedMs) / meter.weight;
  }
  function levelOfNewcomers(now: number): number {
    let lowest = Number.POSITIVE_INFINITY;
    let highest = 0;
    for (const meter of meters.values()) {
      highest = Math.max(highest, meter.level);
      if (isActive(meter)) {
        lowest = Math.min(lowest, usedLevel(meter, now));
      }
    }
    return lowest === Number.POSITIVE_INFINITY ? highest : lowest;
  }
  function charge(meter: Meter, ms: number, now: number): void {
    falls += ms < 0 ? 1 : 0;
    meter.level += ms / meter.weight;
    meter.recentMs = Math.max(0, recentMs(meter, now) + ms);
    meter.recentAt = now;
  }
  function recentMs(meter: Meter, now: number): number {
    return meter.recentMs * 2 ** (-Math.max(0, now - meter.recentAt) / HALF_LIFE_MS);
  }

  return {
    meter: (repositoryId) => {
      let found = meters.get(repositoryId);
      if (found === undefined) {
        found = {
          repositoryId,
          weight: 1,
          level: 0,
          ready: 0,
          running: 0,
          runningChargedMs: 0,
          runningTakenAt: 0,
          recentMs: 0,
          recentAt: 0,
        };
        meters.set(repositoryId, found);
      }
      return found;
    },
    wants: (meter, now) => {
      if (!isActive(meter)) {
        // The configuration may have changed; while it is active, a change would be unfair to what was charged.
        meter.weight = Math.max(LEAST_WEIGHT, weightOf(meter.repositoryId));
        meter.level = Math.max(meter.level, levelOfNewcomers(now));
      }
      meter.ready += 1;
    },
    recall: charge,
    begins: (meter, expectedMs, now) => {
      meter.running += 1;
      meter.runningChargedMs += expectedMs;
      meter.runningTakenAt += now;
      charge(meter, expectedMs, now);
    },
    ends: (meter, chargedMs, takenAt, now) => {
      meter.running -= 1;
      meter.runningChargedMs -= chargedMs;
      meter.runningTakenAt -= takenAt;
      charge(meter, now - takenAt - chargedMs, now);
    },
    recentMs,
    get falls() {
      return falls;
    },
    all: () => meters.values(),
  };
}
