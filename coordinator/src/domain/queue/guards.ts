/**
 * Steps that wait because a build that is under way makes them along the way: building them beside it would build them
 * twice. A guard counts as one more pending need, until the taken step is back. What is guarded and goes meanwhile is
 * remembered so long: when it comes again, it is guarded again.
 */
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { isStep, type Step } from './step.ts';

export interface Guards {
  /** Taken steps whose builds make `step`, or what is inside it. */
  makersOf(step: Step): readonly Step[];
  /** Taken steps that this one waits for. */
  holding(step: Step): readonly Step[];
  /** Taken steps whose builds make this derivation, though it was gone. */
  makersOfGone(drvPath: DerivationPath): readonly Step[];
  /** `first` and the steps below it wait for `taken`. */
  guardBelow(taken: Step, first: Step): void;
  /** `drvPath` goes, with what `makers` make of it. */
  remember(drvPath: DerivationPath, makers: readonly Step[]): void;
  /** It is back, or gone. */
  release(step: Step): void;
}

const NO_GUARDS: ReadonlySet<Step> = new Set();
const NOBODY: readonly Step[] = [];

/** `settle` is called for each step whose pending needs changed. */
export function createGuards(settle: (step: Step) => void): Guards {
  const guarding = new Set<Step>();
  const made = new Map<DerivationPath, readonly Step[]>();

  function holding(step: Step): readonly Step[] {
    return guarding.size === 0 ? NOBODY : [...guarding].filter(({ guards }) => guards?.has(step) === true);
  }
  function forget(maker: Step): void {
    for (const [drvPath, makers] of made) {
      const others = makers.filter((one) => one !== maker);
      if (others.length === 0) {
        made.delete(drvPath);
      } else {
        made.set(drvPath, others);
      }
    }
  }

  return {
    makersOf: (step) => (step.isTaken ? [...holding(step), step] : holding(step)),
    holding,
    makersOfGone: (drvPath) => made.get(drvPath) ?? NOBODY,
    guardBelow: (taken, first) => {
      const guards = new Set(taken.guards);
      const seen = new Set([taken, ...guards]);
      const open = [first];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        if (!seen.has(next)) {
          seen.add(next);
          open.push(...next.needs);
          if (isStep(next)) {
            guards.add(next);
            next.pending += 1;
            next.guardedBy = taken;
            settle(next);
          }
        }
      }
      if (guards.size > 0) {
        taken.guards = guards;
        guarding.add(taken);
      }
    },
    remember: (drvPath, makers) => {
      if (makers.length > 0) {
        made.set(drvPath, makers);
      }
    },
    release: (step) => {
      const guarded = step.guards ?? NO_GUARDS;
      step.guards = undefined;
      guarding.delete(step);
      if (guarded !== NO_GUARDS) {
        forget(step);
      }
      for (const one of guarded) {
        one.pending -= 1;
        one.guardedBy = undefined;
        settle(one);
      }
    },
  };
}
