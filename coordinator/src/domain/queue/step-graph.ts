/**
 * What waits for what. Of the derivations that are not there yet, those that jobs name and those that two steps need
 * are *steps*, given out by themselves; every other one is *inside* the one step that needs it, whose build makes it
 * along the way. So no derivation is ever built in two places, and nothing is given out that need not be.
 *
 * A step is *waiting* while something it needs, or something inside it needs, is a step that is still here; *ready* when
 * nothing holds it; *taken* from `take` until it is back (`putBack`, `finish`); *gone* once it has ended, or when no job
 * wants it and no step needs it. A derivation that was inside another comes out and is a step from then on when a second
 * step needs it. A step below one that is taken is *guarded*, because that one's build makes it along the way: it waits
 * until that one is back. What is given out has nothing below it, so this comes about only when something comes out of
 * it, when it is seen to need more than before, or when a builder had it already. Should it end meanwhile without being
 * built and come again, it is guarded again.
 *
 * Jobs leave by `forget`, whatever became of them; a job is known by its attempt, so late news of an earlier one change
 * nothing. Only this file changes whom steps know and what they are; it does no I/O and knows no time.
 */
import type { JobId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { JobAttempt } from '../job-attempt.ts';
import type { Claims } from './claims.ts';
import { createGuards } from './guards.ts';
import { needsFirst } from './needs-first.ts';
import { lowerStanding, raiseStanding, standingOfJobs } from './standing.ts';
import {
  type GraphJob,
  isStep,
  noNeighbours,
  type PlannedDerivation,
  type Step,
  withNeighbour,
  withoutNeighbour,
} from './step.ts';
import { jobsAbove, onlyDependent, stepsBelow, waitingFor } from './step-walks.ts';

export interface FailedDependent {
  readonly job: GraphJob;
  /** The job of the same evaluation that failed, when there is one. */
  readonly cause: GraphJob | null;
  /** The derivation that failed. */
  readonly drvPath: DerivationPath;
}

/** What the graph tells as it changes: who may be given out. */
export interface Line {
  /** It is ready, or its place may be another one now. */
  enter(step: Step): void;
  leave(step: Step): void;
  /** It is not ready, and what it asks of a builder may be more than before. */
  lowered(step: Step): void;
}

export interface Added {
  /** Steps that were not there before. */
  readonly steps: readonly Step[];
  /** Steps that need themselves, in a circle: what a store says that is broken. */
  readonly circular: readonly Step[];
}

export interface StepGraph {
  /** Whether this very attempt is in it. */
  has(job: JobAttempt): boolean;
  get(drvPath: DerivationPath): Step | undefined;
  /** Steps, not what is inside them. */
  all(): Iterable<Step>;
  stepOf(jobId: JobId): Step | undefined;
  /** Jobs come in place of their earlier attempts; the derivations of all of them must be planned, now or before. */
  add(jobs: readonly GraphJob[], derivations: readonly PlannedDerivation[]): Added;
  take(step: Step): void;
  /** Not taken any more, to be tried again: back where it was, or gone when nobody wants it. */
  putBack(step: Step, options?: { readonly wasDispatched: boolean }): Unwanted;
  /** It ended, well or not, after its jobs were forgotten; back where it was when others came to want it meanwhile. */
  finish(step: Step, foundAt: string | null): Unwanted;
  /** These want nothing any more. */
  forget(jobs: readonly JobAttempt[]): Unwanted;
  /** Jobs that cannot be had when this step fails; those of a step that is taken have an ending of their own coming. */
  lostWith(step: Step): readonly FailedDependent[];
  /** Jobs of the same evaluation that cannot be had without this one. */
  dependentsOf(jobId: JobId): readonly GraphJob[];
  /** Steps that hold this one, at most `limit`. */
  heldBy(step: Step, limit: number): readonly Step[];
  /** Jobs that need it in the end: those that name it, or the nearest ones above it. */
  wantedBy(step: Step, limit: number): readonly GraphJob[];
  /** It, and what it needs, goes to the front. */
  bump(jobIds: readonly JobId[], at: number): void;
  readonly stepCount: number;
  /** Steps that jobs name. */
  readonly namedCount: number;
}

/** Taken steps that nobody wants now: their builds may be stopped. */
export type Unwanted = readonly Step[];

const NO_JOBS: readonly GraphJob[] = [];
const NOTHING: Unwanted = [];
const NOWHERE: readonly string[] = [];
// What is shown of where the inputs are; more would not change who is chosen.
const MOST_PLACES = 8;

export function createStepGraph(claims: Claims, line: Line): StepGraph {
  const steps = new Map<DerivationPath, Step>();
  const ofJob = new Map<JobId, Step>();
  const wishes = new Map<JobId, number>();
  const guards = createGuards((step) => settle(step));
  let arrivals = 0;
  let stepCount = 0;
  let namedCount = 0;

  function createStep(planned: PlannedDerivation): Step {
    const step = {
      drvPath: planned.drvPath,
      system: planned.system,
      requiredFeatures: planned.requiredFeatures,
      age: arrivals,
      expectedMs: planned.expectedMs,
      needs: noNeighbours(),
      neededBy: noNeighbours(),
      jobs: NO_JOBS,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- replaced at once: it cannot name itself before it is
      within: undefined as unknown as Step,
      pending: 0,
      isTaken: false,
      isGone: false,
      guards: undefined,
      guardedBy: undefined,
      claims: claims.none,
      aboveMs: 0,
      bumpedAt: 0,
      spoiledCount: 0,
      wasDispatched: false,
      place: undefined,
      foundAt: NOWHERE,
      spoiledAt: NOWHERE,
    } satisfies Step;
    step.within = step;
    arrivals += 1;
    stepCount += 1;
    steps.set(step.drvPath, step);
    return step;
  }

  function settle(step: Step): void {
    const canRun = isStep(step) && step.pending === 0 && !step.isTaken && !step.isGone;
    if (canRun) {
      line.enter(step);
    } else if (step.place !== undefined) {
      line.leave(step);
    }
  }
  function comeOut(step: Step): void {
    const before = step.within;
    for (const dependent of step.neededBy) {
      dependent.within.pending += 1;
    }
    moveNeeds(step, before, step);
    step.within = step;
    stepCount += 1;
    settle(before);
  }
  function goInside(step: Step, into: Step): void {
    if (isStep(step)) {
      for (const dependent of step.neededBy) {
        dependent.within.pending -= 1;
      }
      stepCount -= 1;
    }
    moveNeeds(step, step.within, into);
    step.within = into;
  }
  /** Called for dependents before what they need, so that theirs is settled. Returns what it came out of, if it did. */
  function findPlace(step: Step, isNew: boolean): Step | undefined {
    const before = step.within;
    if (before === step && !isNew) {
      return undefined;
    }
    const into = onlyDependent(step);
    const isAlone = step.jobs.length > 0 || (isNew && guards.makersOfGone(step.drvPath).length > 0);
    if (!isAlone && into !== undefined && canBeInside(step, into)) {
      if (into !== before) {
        goInside(step, into);
      }
      return undefined;
    }
    if (before === step) {
      return undefined;
    }
    comeOut(step);
    return before;
  }

  /** Removes what has ended or is not wanted, with all that is inside it. Returns the steps that it needed. */
  function remove(step: Step): ReadonlySet<Step> {
    const needed = new Set<Step>();
    for (const dependent of step.neededBy) {
      dependent.needs = withoutNeighbour(dependent.needs, step);
      dependent.within.pending -= 1;
    }
    const makers = guards.makersOf(step);
    const open = [step];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      guards.remember(next.drvPath, makers);
      steps.delete(next.drvPath);
      next.isGone = true;
      for (const need of next.needs) {
        need.neededBy = withoutNeighbour(need.neededBy, next);
        if (isStep(need)) {
          needed.add(need);
        } else if (need.neededBy.size === 0) {
          open.push(need);
        }
      }
    }
    stepCount -= 1;
    settle(step);
    guards.release(step);
    return needed;
  }
  function lower(lost: ReadonlySet<Step>): void {
    lowerStanding(lost, claims, wishes, (step) => {
      settle(step);
      if (step.place === undefined && isStep(step)) {
        line.lowered(step);
      }
    });
  }
  /** Looks at steps that lost somebody who wanted them. */
  function reconsider(lost: Iterable<Step>): Unwanted {
    const unwanted = new Set<Step>();
    const changed = new Set<Step>();
    const open = [...lost];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.isGone) {
        continue;
      }
      const isWanted = next.jobs.length > 0 || next.neededBy.size > 0;
      if (isWanted || next.isTaken) {
        changed.add(next);
      } else {
        open.push(...remove(next));
      }
      if (!isWanted && next.isTaken) {
        unwanted.add(next);
      }
    }
    lower(changed);
    return [...unwanted];
  }
  function giveBack(step: Step): void {
    step.isTaken = false;
    guards.release(step);
  }
  /** True when it came in place of another attempt, which may have had a better standing. */
  function addJob(step: Step, job: GraphJob): boolean {
    namedCount += step.jobs.length === 0 ? 1 : 0;
    const isKnown = ofJob.has(job.jobId);
    const others = isKnown ? step.jobs.filter(({ jobId }) => jobId !== job.jobId) : step.jobs;
    step.jobs = others.length === 0 ? [job] : [...others, job];
    ofJob.set(job.jobId, step);
    wishes.delete(job.jobId);
    return isKnown;
  }

  return {
    has: ({ jobId, attempt }) =>
      ofJob.get(jobId)?.jobs.some((job) => job.jobId === jobId && job.attempt === attempt) ?? false,
    get: (drvPath) => steps.get(drvPath),
    all: () => steps.values().filter(isStep),
    stepOf: (jobId) => ofJob.get(jobId),
    add: (jobs, derivations) => {
      const created = new Set<Step>();
      for (const planned of derivations) {
        if (!steps.has(planned.drvPath)) {
          created.add(createStep(planned));
        }
      }
      const roots = new Set<Step>();
      /** Needs that steps came to have which were here before. */
      const more: (readonly [step: Step, need: Step])[] = [];
      for (const { drvPath, inputs } of derivations) {
        const step = steps.get(drvPath);
        for (const input of step === undefined ? [] : inputs) {
          const need = steps.get(input);
          if (step !== undefined && need !== undefined && link(step, need) && !created.has(step)) {
            more.push([step, need]);
          }
        }
        if (step !== undefined) {
          roots.add(step);
        }
      }
      const replaced = new Set<Step>();
      for (const job of jobs) {
        const step = steps.get(job.drvPath);
        if (step !== undefined) {
          roots.add(step);
          if (addJob(step, job)) {
            replaced.add(step);
          }
        }
      }
      const { order, backward } = needsFirst(roots);
      for (const [step, need] of backward) {
        step.needs = withoutNeighbour(step.needs, need);
        need.neededBy = withoutNeighbour(need.neededBy, step);
        step.within.pending -= isStep(need) ? 1 : 0;
      }
      const came: (readonly [step: Step, from: Step])[] = [];
      for (const step of order.toReversed()) {
        const isNew = created.has(step);
        if (isNew && step.jobs.length === 0 && step.neededBy.size === 0) {
          // Whoever wanted it was gone before it was looked at.
          remove(step);
          continue;
        }
        const from = findPlace(step, isNew);
        if (from !== undefined) {
          came.push([step, from]);
        }
        standingOfJobs(step, claims, wishes);
        raiseStanding(step, claims);
      }
      for (const [step, from] of [...came, ...more.map(([above, need]) => [need, above.within] as const)]) {
        for (const taken of guards.makersOf(from)) {
          guards.guardBelow(taken, step);
        }
      }
      for (const step of created) {
        for (const taken of guards.makersOfGone(step.drvPath)) {
          guards.guardBelow(taken, step);
        }
      }
      // What these are inside need not be in the order: it is above what was looked at.
      for (const step of [...order, ...[...more, ...backward].map(([above]) => above.within)]) {
        settle(step);
      }
      lower(replaced);
      return {
        steps: [
          ...order.filter((step) => created.has(step) && isStep(step) && !step.isGone),
          ...came.map(([step]) => step),
        ],
        circular: backward.map(([step]) => step.within),
      };
    },
    take: (step) => {
      step.isTaken = true;
      settle(step);
      for (const need of step.pending === 0 ? [] : step.needs) {
        guards.guardBelow(step, need);
      }
    },
    putBack: (step, { wasDispatched } = { wasDispatched: false }) => {
      step.wasDispatched ||= wasDispatched;
      giveBack(step);
      if (step.jobs.length === 0 && step.neededBy.size === 0) {
        return reconsider(remove(step));
      }
      settle(step);
      return [];
    },
    finish: (step, foundAt) => {
      giveBack(step);
      if (step.jobs.length > 0) {
        settle(step);
        return [];
      }
      const dependents = new Set<Step>();
      for (const { within } of step.neededBy) {
        dependents.add(within);
      }
      const needed = remove(step);
      for (const within of dependents) {
        if (foundAt !== null && within.foundAt.length < MOST_PLACES) {
          within.foundAt = [...within.foundAt, foundAt];
        }
        settle(within);
      }
      return needed.size === 0 ? NOTHING : reconsider(needed);
    },
    forget: (jobs) => {
      const left = new Set<Step>();
      const gone = new Set<GraphJob>();
      for (const { jobId, attempt } of jobs) {
        const step = ofJob.get(jobId);
        const own = step?.jobs.find((job) => job.jobId === jobId && job.attempt === attempt);
        if (step !== undefined && own !== undefined) {
          ofJob.delete(jobId);
          wishes.delete(jobId);
          gone.add(own);
          left.add(step);
        }
      }
      for (const step of left) {
        step.jobs = step.jobs.length === 1 ? NO_JOBS : step.jobs.filter((job) => !gone.has(job));
        namedCount -= step.jobs.length === 0 ? 1 : 0;
      }
      return left.size === 0 ? NOTHING : reconsider(left);
    },
    lostWith: (step) => {
      const lost = [...waitingFor(step)].flatMap(({ jobs }) => jobs);
      const causes = new Map(step.jobs.map((job) => [job.evaluationId, job]));
      return lost.map((job) => ({
        job,
        cause: causes.get(job.evaluationId) ?? null,
        drvPath: step.drvPath,
      }));
    },
    dependentsOf: (jobId) => {
      const step = ofJob.get(jobId);
      const own = step?.jobs.find((job) => job.jobId === jobId);
      return step === undefined || own === undefined
        ? []
        : [...waitingFor(step)].flatMap(({ jobs }) =>
            jobs.filter(({ evaluationId }) => evaluationId === own.evaluationId),
          );
    },
    heldBy: (step, limit) => [...guards.holding(step), ...stepsBelow(step, limit)].slice(0, limit),
    wantedBy: jobsAbove,
    bump: (jobIds, at) => {
      const open: Step[] = [];
      for (const jobId of jobIds) {
        const step = ofJob.get(jobId);
        if (step !== undefined) {
          wishes.set(jobId, Math.max(at, wishes.get(jobId) ?? 0));
          open.push(step);
        }
      }
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        if (next.bumpedAt < at) {
          next.bumpedAt = at;
          settle(next);
          open.push(...next.needs);
        }
      }
    },
    get stepCount() {
      return stepCount;
    },
    get namedCount() {
      return namedCount;
    },
  };
}

/** False when it was known. */
function link(step: Step, need: Step): boolean {
  if (need === step || step.needs.has(need)) {
    return false;
  }
  step.needs = withNeighbour(step.needs, need);
  need.neededBy = withNeighbour(need.neededBy, step);
  step.within.pending += isStep(need) ? 1 : 0;
  return true;
}

/** Needs of `step` itself that are steps count for what it is within. */
function moveNeeds(step: Step, from: Step, to: Step): void {
  for (const need of step.needs) {
    if (isStep(need)) {
      from.pending -= 1;
      to.pending += 1;
    }
  }
}

/** Whoever can build `into` must be able to build `step` along the way. */
function canBeInside(step: Step, into: Step): boolean {
  return (
    (step.system === into.system || step.system === 'builtin') &&
    step.requiredFeatures.every((feature) => into.requiredFeatures.includes(feature))
  );
}
