/**
 * Which of the builders that could begin a step now gets it: the one that is expected to end it first, by its speed and
 * by how many of the inputs it lacks. One that spoiled something lately, or has features that others may need it for,
 * comes after one that did not. Never nobody: work does not stand still for want of a better builder.
 */
import type { RosterBuilder } from './roster.ts';
import type { Step } from './step.ts';

// What bringing one more input to a builder costs, as a guess: a small closure on a home line.
const FETCH_MS = 1_000;
// A builder that just spoiled something is as bad as one this much slower.
const TROUBLE_MS = 60_000;

export function chooseBuilder(step: Step, builders: Iterable<RosterBuilder>): RosterBuilder | undefined {
  let best: RosterBuilder | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  // Most of the time: a decision looks at every builder that is open.
  const isPlain = step.foundAt.length + step.spoiledAt.length === 0;
  for (const builder of builders) {
    const isQuick = isPlain && builder.spoiled.size === 0;
    const cost = isQuick ? step.expectedMs / builder.offer.speedFactor : costOf(step, builder);
    if (cost > bestCost) {
      continue;
    }
    if (cost < bestCost || best === undefined || isPreferred(builder, best)) {
      best = builder;
      bestCost = cost;
    }
  }
  return best;
}

function costOf(step: Step, builder: RosterBuilder): number {
  let lacking = step.foundAt.length;
  for (const name of step.foundAt) {
    lacking -= name === builder.name ? 1 : 0;
  }
  return (
    step.expectedMs / builder.offer.speedFactor +
    lacking * FETCH_MS +
    builder.spoiled.size * TROUBLE_MS +
    (step.spoiledAt.includes(builder.name) ? 1e12 : 0)
  );
}

/** Whoever has fewer features is less likely to be missed; then whoever is less full; then whoever was known first. */
function isPreferred(one: RosterBuilder, other: RosterBuilder): boolean {
  if (one.offer.features.length !== other.offer.features.length) {
    return one.offer.features.length < other.offer.features.length;
  }
  const [fill, otherFill] = [one.used * other.offer.slots, other.used * one.offer.slots];
  return fill === otherFill ? one.order < other.order : fill < otherFill;
}
