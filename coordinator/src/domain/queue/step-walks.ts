/** Ways through the graph of steps, for whoever wants to know; nothing is changed on them. */
import { type GraphJob, isStep, type Step } from './step.ts';

/** Steps that wait for `step`, however far away; not those that are taken, nor what waits only for those. */
export function waitingFor(step: Step): ReadonlySet<Step> {
  const found = new Set<Step>();
  const open = [step];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const { within } of next.neededBy) {
      if (!found.has(within) && !within.isTaken) {
        found.add(within);
        open.push(within);
      }
    }
  }
  return found;
}

/** The nearest steps below it, which it waits for. */
export function stepsBelow(step: Step, limit: number): readonly Step[] {
  const found = new Set<Step>();
  const seen = new Set([step]);
  const open = [step];
  for (let next = open.pop(); next !== undefined && found.size < limit; next = open.pop()) {
    for (const need of next.needs) {
      if (isStep(need)) {
        found.add(need);
      } else if (!seen.has(need)) {
        seen.add(need);
        open.push(need);
      }
    }
  }
  return [...found].slice(0, limit);
}

/** Jobs that want it: those that name it, or, where none does, the nearest ones above it. */
export function jobsAbove(step: Step, limit: number): readonly GraphJob[] {
  const found: GraphJob[] = [];
  const seen = new Set([step]);
  const open = [step];
  for (let at = 0; at < open.length && found.length < limit; at += 1) {
    const next = open[at] ?? step;
    found.push(...next.jobs);
    for (const { within } of next.jobs.length > 0 ? [] : next.neededBy) {
      if (!seen.has(within)) {
        seen.add(within);
        open.push(within);
      }
    }
  }
  return found.slice(0, limit);
}

/** The one step that everything that needs `step` is within; undefined when there are several, or none. */
export function onlyDependent(step: Step): Step | undefined {
  let only: Step | undefined;
  for (const { within } of step.neededBy) {
    if (only !== undefined && only !== within) {
      return undefined;
    }
    only = within;
  }
  return only;
}
