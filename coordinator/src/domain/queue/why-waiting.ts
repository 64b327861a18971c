/** The sentence that says why a step does not run, and what would have to change. */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { storePathName } from '@argunix/shared/domain/store-path';
import type { Waiting } from '../queue-snapshot.ts';
import { type DeskState, deskState } from './desk-state.ts';
import { describeKind, lackOf } from './kind.ts';
import type { Desk, RosterBuilder } from './roster.ts';
import type { Lost, Scheduler } from './scheduler.ts';
import type { Step } from './step.ts';

const MOST_NEEDS = 10;
const MOST_NAMES = 5;
const MOST_LACKS = 8;

/**
 * For a step whose build has not begun. `givenTo`: the builder that has it all the same. `resting`: what spoiled its last
 * try, and when the next one is due.
 */
export function whyWaiting(
  scheduler: Scheduler,
  step: Step,
  givenTo: string | undefined,
  resting: { readonly reason: string; readonly until: number } | undefined,
  now: number,
): Waiting {
  if (givenTo !== undefined) {
    return waiting('next', `${givenTo} has it and is about to build it, or gets it from a cache.`);
  }
  if (resting !== undefined) {
    return waiting('resting', resting.reason, resting.until);
  }
  if (step.guardedBy !== undefined) {
    // It may be of a repository that whoever asks must not know of: it has no name here.
    return waiting(
      'needs',
      `Waits for a build under way that makes ${storePathName(step.drvPath)} along the way.`,
    );
  }
  const held = scheduler.graph.heldBy(step, MOST_NEEDS);
  if (held.length > 0) {
    return {
      ...waiting('needs', sentenceOfNeeds(scheduler, held)),
      needs: held.map((need) => ({
        drvPath: need.drvPath,
        jobIds: scheduler.graph.wantedBy(need, MOST_NEEDS).map(({ jobId }) => jobId),
      })),
    };
  }
  return whyLine(scheduler, scheduler.deskOf(step), now);
}

/** For the steps of one kind that are ready. */
export function whyLine(scheduler: Scheduler, desk: Desk, now: number): Waiting {
  const state = deskState(desk, scheduler.roster, scheduler.rules, now);
  switch (state.kind) {
    case 'open':
      return waiting('next', 'It is next: a builder has a free place for it.');
    case 'busy':
      return waiting('busy', sentenceOfBusy([...state.builders]));
    case 'awaiting_native': {
      const names = namesOf(state.natives);
      const text = `Waits for ${names} to come back: only builders that emulate ${desk.kind.system} are here, and they get it when ${names} stays away.`;
      return waiting('absent', text, state.spillAt);
    }
    case 'absent':
      return waiting('absent', sentenceOfAbsent(desk, state), state.giveUpAt);
    case 'hopeless':
      return waiting('absent', whyHopeless(scheduler, desk));
  }
}

/** Why a step ends without being built. */
export function whyLost(scheduler: Scheduler, { step, why }: Lost): string {
  const desk = scheduler.deskOf(step);
  if (why === 'circular') {
    return `${storePathName(step.drvPath)} needs itself, by way of others: the store is broken. Check it with nix-store --verify.`;
  }
  if (why === 'hopeless') {
    return whyHopeless(scheduler, desk);
  }
  const able = [...scheduler.roster.all()].filter(
    ({ name, offer }) => lackOf(desk.kind, name, offer, scheduler.rules) === null,
  );
  const quarantined = able.find(({ quarantine }) => quarantine !== null);
  const text = `No builder for ${describeKind(desk.kind)} came back in time: ${namesOf(able)} could build it.`;
  return quarantined?.quarantine
    ? `${text} ${quarantined.name} is quarantined: ${quarantined.quarantine.reason}`
    : `${text} schedule.builder_wait_seconds says how long work waits; builders.NAME.expect_offline lets it wait without end.`;
}

function waiting(kind: Waiting['kind'], sentence: string, until = Number.POSITIVE_INFINITY): Waiting {
  return {
    kind,
    sentence,
    until: until === Number.POSITIVE_INFINITY ? null : toEpochMs(until),
    needs: [],
  };
}

function sentenceOfNeeds(scheduler: Scheduler, held: readonly Step[]): string {
  const [first] = held;
  if (first === undefined) {
    return '';
  }
  const builder = scheduler.taken.get(first.drvPath)?.builder;
  const isRunning = builder === undefined ? '' : `, which ${builder} is building`;
  const others = held.length - 1;
  const more = others === 0 ? '' : ` and for ${others === 1 ? 'another one' : `${others} others`}`;
  return `Waits for ${storePathName(first.drvPath)}${isRunning}${isRunning !== '' && more !== '' ? ',' : ''}${more}.`;
}

function sentenceOfBusy(builders: readonly RosterBuilder[]): string {
  const paused = builders.filter(({ pause }) => pause !== null);
  if (paused.length === builders.length) {
    return `Waits for ${namesOf(paused)}, which ${paused.length === 1 ? 'takes' : 'take'} nothing new: ${paused[0]?.pause ?? ''}`;
  }
  return sentenceOfTaken(builders.filter(({ pause }) => pause === null));
}

function sentenceOfTaken(builders: readonly RosterBuilder[]): string {
  const used = builders.reduce((sum, one) => sum + one.used, 0);
  const places = builders.reduce((sum, one) => sum + (one.isOnProbation ? 1 : one.offer.slots), 0);
  const [only] = builders;
  if (builders.length === 1 && only !== undefined) {
    const trial = only.isOnProbation ? ', which is on trial with one place after its trouble' : '';
    return `Waits for a free place on ${only.name}${trial}: ${Math.min(used, places)} of ${places} are taken.`;
  }
  return `Waits for a free place: all ${places} on the ${builders.length} builders that can build it (${namesOf(builders)}) are taken.`;
}

function sentenceOfAbsent({ kind }: Desk, { known }: Extract<DeskState, { kind: 'absent' }>): string {
  const quarantined = known.filter(({ quarantine }) => quarantine !== null);
  const away = known.filter(({ quarantine }) => quarantine === null);
  const parts = [
    ...(away.length === 0 ? [] : [`${namesOf(away)} ${away.length === 1 ? 'is' : 'are'} away`]),
    ...quarantined
      .slice(0, MOST_NAMES)
      .map((one) => `${one.name} is quarantined after repeated trouble (${one.quarantine?.reason ?? ''})`),
  ];
  return `Nobody who can build for ${describeKind(kind)} is here now: ${parts.join('; ')}.`;
}

function whyHopeless(scheduler: Scheduler, { kind }: Desk): string {
  const all = [...scheduler.roster.all()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const lacks = all.flatMap(({ name, offer }) => lackOf(kind, name, offer, scheduler.rules) ?? []);
  const what = `${kind.isTrusted ? '' : "a stranger's work for "}${describeKind(kind)}`;
  const who =
    all.length === 0
      ? 'there is no builder at all (local_builds is off and none is enrolled)'
      : `${lacks.slice(0, MOST_LACKS).join('; ')}${lacks.length > MOST_LACKS ? `; and ${lacks.length - MOST_LACKS} more` : ''}`;
  return `No builder can build ${what}: ${who}. Add a builder that can, then restart the job.`;
}

function namesOf(builders: readonly { readonly name: string }[]): string {
  const names = builders.map(({ name }) => name).toSorted();
  const shown = names.slice(0, MOST_NAMES).join(', ');
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown;
}
