/**
 * What a step's place in line follows from: whose it is, how long the way above it is, and who asked for it to be first.
 * It has all of that of itself, by its jobs, and from whatever needs it.
 */
import type { JobId } from '@argunix/shared/domain/ids';
import type { Claims } from './claims.ts';
import { pathOf, type Step } from './step.ts';

/** When somebody asked for a job to be first, since it came. */
export type Wishes = ReadonlyMap<JobId, number>;

/** Its own part, by its jobs. */
export function standingOfJobs(step: Step, claims: Claims, wishes: Wishes): void {
  for (const { jobId, claim, bumpedAt } of step.jobs) {
    step.claims = claims.union(step.claims, claims.of(claim));
    step.bumpedAt = Math.max(step.bumpedAt, bumpedAt ?? 0, wishes.get(jobId) ?? 0);
  }
}

/** Hands it on to what the step needs directly. */
export function raiseStanding(step: Step, claims: Claims): void {
  const pathMs = pathOf(step);
  for (const need of step.needs) {
    need.claims = claims.union(need.claims, step.claims);
    need.aboveMs = Math.max(need.aboveMs, pathMs);
    need.bumpedAt = Math.max(need.bumpedAt, step.bumpedAt);
  }
}

/** For steps that lost somebody who wanted them: what only that one gave them is gone, for them and below. */
export function lowerStanding(
  lost: ReadonlySet<Step>,
  claims: Claims,
  wishes: Wishes,
  onChanged: (step: Step) => void,
): void {
  const open = new Set(lost);
  for (const step of open) {
    open.delete(step);
    const before = [step.claims, step.aboveMs, step.bumpedAt] as const;
    step.claims = claims.none;
    step.aboveMs = 0;
    step.bumpedAt = 0;
    standingOfJobs(step, claims, wishes);
    for (const dependent of step.neededBy) {
      step.claims = claims.union(step.claims, dependent.claims);
      step.aboveMs = Math.max(step.aboveMs, pathOf(dependent));
      step.bumpedAt = Math.max(step.bumpedAt, dependent.bumpedAt);
    }
    if (before[0] !== step.claims || before[1] !== step.aboveMs || before[2] !== step.bumpedAt) {
      onChanged(step);
      for (const need of step.needs) {
        open.add(need);
      }
    }
  }
}
