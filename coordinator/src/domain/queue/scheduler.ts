/**
 * What runs where and when: the graph of what waits for what, the lines of what is ready, the meters of whose turn it
 * is, and the roster of who could build. It decides and remembers; it does nothing, asks no clock and waits for nobody.
 * Whoever uses it calls `take` until there is nothing to give, whenever something has changed, and again at `nextChange`.
 */
import type { JobId, RepositoryId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { BuilderOffer } from '../builder-offer.ts';
import type { JobAttempt } from '../job-attempt.ts';
import { chooseBuilder } from './choose-builder.ts';
import { createClaims } from './claims.ts';
import { deskState, isHopeless, mayTake } from './desk-state.ts';
import { createFairShare, type FairShare, type Meter } from './fair-share.ts';
import { createKinds } from './kinds.ts';
import { createReadyLines, type Head, type ReadyLine, type ReadyLines } from './ready-lines.ts';
import { createRoster, type Desk, type Roster, type RosterRules } from './roster.ts';
import { type GraphJob, isStep, type PlannedDerivation, type Step } from './step.ts';
import { createStepGraph, type StepGraph, type Unwanted } from './step-graph.ts';

export interface SchedulerRules extends RosterRules {
  weightOf(repositoryId: RepositoryId): number;
}

/** A step that a builder has, or is about to get. */
export interface Taken {
  readonly step: Step;
  readonly builder: string;
  /** Whose turn it was. */
  readonly meter: Meter | undefined;
  readonly chargedMs: number;
  readonly takenAt: number;
}

/** A step that is to end without being built. */
export interface Lost {
  readonly step: Step;
  readonly why: 'hopeless' | 'absent' | 'circular';
}

type Reading<Whole, Names extends keyof Whole> = Pick<Whole, Names>;

export interface Scheduler {
  readonly rules: SchedulerRules;
  readonly graph: Reading<
    StepGraph,
    | 'has'
    | 'get'
    | 'stepOf'
    | 'lostWith'
    | 'dependentsOf'
    | 'heldBy'
    | 'wantedBy'
    | 'stepCount'
    | 'namedCount'
  >;
  readonly lines: Reading<
    ReadyLines,
    'all' | 'size' | 'lineOf' | 'headOf' | 'isBefore' | 'first' | 'stepsOf' | 'oldestSince'
  >;
  readonly share: Reading<FairShare, 'all' | 'recentMs'>;
  readonly roster: Reading<Roster, 'all' | 'builder' | 'slots' | 'wentWell'>;
  readonly taken: ReadonlyMap<DerivationPath, Taken>;
  deskOf(step: Step): Desk;

  join(name: string, offer: BuilderOffer, isExpectedOffline: boolean, now: number): void;
  expect(name: string, offer: BuilderOffer, isExpectedOffline: boolean, leftAt: number): void;
  leave(name: string, now: number): void;
  remove(name: string, now: number): void;
  /** It finishes what it has and takes nothing new; null: it does again. */
  pause(name: string, reason: string | null): void;
  /** The rules changed, or who is expected to be away: what was given out stays where it is. */
  reconsider(isExpectedOffline: (name: string) => boolean, now: number): void;

  /** What was built at the expense of a repository before we knew of it. */
  recall(repositoryId: RepositoryId, builtMs: number, now: number): void;
  add(jobs: readonly GraphJob[], derivations: readonly PlannedDerivation[], now: number): void;
  forget(jobs: readonly JobAttempt[], now: number): Unwanted;
  bump(jobIds: readonly JobId[], now: number): void;

  /** The next step and who gets it, in a place of its own; undefined while nobody can begin anything. */
  take(now: number): Taken | undefined;
  /** One more for this builder beyond its places: short work that shares a process. */
  takeMore(builder: string, longestMs: number, now: number): Taken | undefined;
  /** A builder went on with this one while we were away: it has a place there. False when nobody wants it, or another has it. */
  resume(drvPath: DerivationPath, builder: string, now: number): boolean;
  /** The step that this derivation is, or is inside: taken, and nobody's. Undefined when it is gone or taken already. */
  takeOut(drvPath: DerivationPath): Step | undefined;
  freePlaces(builder: string, count: number): void;
  /** The builder has it no more, whatever became of it; its repository pays for what it really took. */
  release(drvPath: DerivationPath, now: number): void;
  /** Infrastructure spoiled a try of it. Returns how many that makes. */
  spoiled(drvPath: DerivationPath, builder: string, reason: string, now: number): number;
  putBack(drvPath: DerivationPath, options: { readonly wasDispatched: boolean }, now: number): Unwanted;
  /** It has ended; `foundAt` names who has its outputs. */
  finish(drvPath: DerivationPath, foundAt: string | null, now: number): Unwanted;
  /** Steps that must end now. They are taken, so that nobody else gets them; `finish` follows. */
  takeLost(now: number): readonly Lost[];
  /** When something changes by itself; infinite when nothing does. */
  nextChange(now: number): number;
}

export function createScheduler(rules: SchedulerRules): Scheduler {
  const claims = createClaims();
  const share = createFairShare((repositoryId) => rules.weightOf(repositoryId));
  const roster = createRoster(rules);
  const kinds = createKinds();
  const taken = new Map<DerivationPath, Taken>();
  /** Nobody could ever build them, as far as was known when they came. */
  const doubtful = new Set<Step>();
  const circular = new Set<Step>();
  let present = 0;

  const lines = createReadyLines(share, deskOf);
  const graph = createStepGraph(claims, {
    enter: (step) => {
      lines.enter(step, present);
      doubt(step);
    },
    leave: (step) => lines.leave(step),
    lowered: doubt,
  });

  function deskOf(step: Step): Desk {
    return roster.desk(kinds.of(step), present);
  }
  function doubt(step: Step): void {
    if (isHopeless(deskOf(step), roster, rules)) {
      doubtful.add(step);
    }
  }
  /** Whatever happened to who could build it while it was taken was not looked at. */
  function doubtAgain(step: Step | undefined): void {
    if (step?.isGone === false) {
      doubt(step);
    }
  }
  /** A builder went for ever, or offers less than before: what only it could build is hopeless. */
  function doubtAll(): void {
    const isAnyHopeless = roster.desks().some((desk) => isHopeless(desk, roster, rules));
    for (const step of isAnyHopeless ? graph.all() : []) {
      doubt(step);
    }
  }

  function give(step: Step, builder: string, meter: Meter | undefined): Taken {
    graph.take(step);
    const one = { step, builder, meter, chargedMs: step.expectedMs, takenAt: present };
    taken.set(step.drvPath, one);
    if (meter !== undefined) {
      share.begins(meter, one.chargedMs, present);
    }
    return one;
  }
  /** The first of all lines that `serve` finds somebody for. */
  function firstHead<Found>(
    serve: (line: ReadyLine) => Found | undefined,
  ): { readonly head: Head; readonly found: Found } | undefined {
    let best: { readonly head: Head; readonly found: Found } | undefined;
    for (const line of lines.all()) {
      const found = line.size === 0 ? undefined : serve(line);
      const head = found === undefined ? undefined : lines.headOf(line);
      if (
        found !== undefined &&
        head !== undefined &&
        (best === undefined || lines.isBefore(head, best.head))
      ) {
        best = { head, found };
      }
    }
    return best;
  }
  function stepAt(drvPath: DerivationPath, now: number): Step | undefined {
    present = now;
    return graph.get(drvPath);
  }

  return {
    rules,
    graph,
    lines,
    share,
    roster,
    taken,
    deskOf,
    join: (name, offer, isExpectedOffline, now) => {
      present = now;
      const isChange = roster.builder(name) !== undefined;
      roster.join(name, offer, isExpectedOffline, now);
      if (isChange) {
        doubtAll();
      }
    },
    expect: (name, offer, isExpectedOffline, leftAt) => {
      const isChange = roster.builder(name) !== undefined;
      roster.expect(name, offer, isExpectedOffline, leftAt);
      if (isChange) {
        doubtAll();
      }
    },
    leave: (name, now) => roster.leave(name, now),
    remove: (name, now) => {
      present = now;
      roster.remove(name, now);
      doubtAll();
    },
    pause: (name, reason) => roster.pause(name, reason),
    reconsider: (isExpectedOffline, now) => {
      present = now;
      roster.reconsider(isExpectedOffline, now);
      doubtAll();
    },
    recall: (repositoryId, builtMs, now) => share.recall(share.meter(repositoryId), builtMs, now),
    add: (jobs, derivations, now) => {
      present = now;
      const added = graph.add(jobs, derivations);
      for (const step of added.steps) {
        doubt(step);
      }
      for (const step of added.circular) {
        circular.add(step);
      }
    },
    forget: (jobs, now) => {
      present = now;
      return graph.forget(jobs);
    },
    bump: (jobIds, now) => {
      present = now;
      graph.bump(jobIds, now);
    },
    take: (now) => {
      present = now;
      roster.endQuarantines(now);
      const first = firstHead(({ desk }) => {
        const state = deskState(desk, roster, rules, now);
        return state.kind === 'open' ? state.builders : undefined;
      });
      if (first === undefined) {
        return undefined;
      }
      const { step } = first.head.place;
      const builder = chooseBuilder(step, first.found);
      if (builder === undefined) {
        return undefined;
      }
      roster.use(builder, 1);
      return give(step, builder.name, first.head.meter);
    },
    takeMore: (name, longestMs, now) => {
      present = now;
      roster.endQuarantines(now);
      const builder = roster.builder(name);
      if (builder === undefined || builder.isOnProbation) {
        return undefined;
      }
      const first = firstHead(({ desk }) => (mayTake(builder, desk, roster, rules, now) ? true : undefined));
      const step = first?.head.place.step;
      return step === undefined || step.expectedMs > longestMs || step.spoiledAt.includes(name)
        ? undefined
        : give(step, name, first?.head.meter);
    },
    resume: (drvPath, name, now) => {
      const step = stepAt(drvPath, now);
      const builder = roster.builder(name);
      if (step === undefined || !isStep(step) || step.isTaken || builder === undefined) {
        return false;
      }
      const payer = step.claims.members[0];
      roster.use(builder, 1);
      give(step, name, payer === undefined ? undefined : share.meter(payer.repositoryId));
      return true;
    },
    takeOut: (drvPath) => {
      const step = graph.get(drvPath)?.within;
      if (step === undefined || step.isTaken) {
        return undefined;
      }
      graph.take(step);
      return step;
    },
    freePlaces: (name, count) => {
      roster.free(name, count);
    },
    release: (drvPath, now) => {
      const one = taken.get(drvPath);
      taken.delete(drvPath);
      if (one?.meter !== undefined) {
        share.ends(one.meter, one.chargedMs, one.takenAt, now);
      }
    },
    spoiled: (drvPath, name, reason, now) => {
      const step = stepAt(drvPath, now);
      roster.trouble(name, drvPath, reason, now);
      if (step === undefined) {
        return 1;
      }
      if (!step.spoiledAt.includes(name)) {
        step.spoiledAt = [...step.spoiledAt, name];
      }
      step.spoiledCount += 1;
      return step.spoiledCount;
    },
    putBack: (drvPath, options, now) => {
      const step = stepAt(drvPath, now);
      const unwanted = step === undefined ? [] : graph.putBack(step, options);
      doubtAgain(step);
      return unwanted;
    },
    finish: (drvPath, foundAt, now) => {
      const step = stepAt(drvPath, now);
      const unwanted = step === undefined ? [] : graph.finish(step, foundAt);
      doubtAgain(step);
      return unwanted;
    },
    takeLost: (now) => {
      present = now;
      roster.endQuarantines(now);
      const lost: Lost[] = [];
      function lose(step: Step, why: Lost['why']): void {
        if (!step.isGone && !step.isTaken && isStep(step)) {
          graph.take(step);
          lost.push({ step, why });
        }
      }
      for (const step of circular) {
        lose(step, 'circular');
      }
      for (const step of doubtful) {
        if (isHopeless(deskOf(step), roster, rules)) {
          lose(step, 'hopeless');
        }
      }
      circular.clear();
      doubtful.clear();
      for (const line of lines.all()) {
        const state = line.size === 0 ? undefined : deskState(line.desk, roster, rules, now);
        if (state?.kind === 'absent' && state.giveUpAt <= now) {
          for (const step of lines.stepsOf(line)) {
            lose(step, 'absent');
          }
        }
      }
      return lost;
    },
    nextChange: (now) => {
      let next = roster.nextChange();
      for (const line of lines.all()) {
        const state = line.size === 0 ? undefined : deskState(line.desk, roster, rules, now);
        if (state?.kind === 'absent') {
          next = Math.min(next, state.giveUpAt);
        } else if (state?.kind === 'awaiting_native') {
          next = Math.min(next, state.spillAt);
        }
      }
      return next;
    },
  };
}
