/** What the desk of a kind can do now, and when that changes by itself. */
import { fitOf } from './kind.ts';
import type { Desk, Roster, RosterBuilder, RosterRules } from './roster.ts';

export type DeskState =
  /** Somebody has a free place. */
  | { readonly kind: 'open'; readonly builders: ReadonlySet<RosterBuilder> }
  /** All who could take it are full. */
  | { readonly kind: 'busy'; readonly builders: ReadonlySet<RosterBuilder> }
  /** Only emulating builders are ready, and a native one may yet come back. */
  | { readonly kind: 'awaiting_native'; readonly spillAt: number; readonly natives: readonly RosterBuilder[] }
  /** Nobody who could take it is ready; `giveUpAt` is infinite where one is expected to be away. */
  | { readonly kind: 'absent'; readonly giveUpAt: number; readonly known: readonly RosterBuilder[] }
  /** Nobody could ever take it. */
  | { readonly kind: 'hopeless' };

type Known = Pick<Roster, 'all'>;

export function deskState(desk: Desk, roster: Known, rules: RosterRules, now: number): DeskState {
  if (desk.natives.size > 0) {
    return desk.openNatives.size > 0
      ? { kind: 'open', builders: desk.openNatives }
      : { kind: 'busy', builders: desk.natives };
  }
  if (desk.emulating.size > 0) {
    const spillAt = desk.lastNativeAt + rules.spillGraceMs;
    if (now < spillAt) {
      const natives = knownFor(desk, roster, rules).filter(
        ({ offer }) => fitOf(desk.kind, offer, rules) === 'native',
      );
      if (natives.length > 0) {
        return { kind: 'awaiting_native', spillAt, natives };
      }
    }
    return desk.openEmulating.size > 0
      ? { kind: 'open', builders: desk.openEmulating }
      : { kind: 'busy', builders: desk.emulating };
  }
  const known = knownFor(desk, roster, rules);
  if (known.length === 0) {
    return { kind: 'hopeless' };
  }
  const isAwaited = known.some((builder) => builder.isExpectedOffline && !builder.isPresent);
  return {
    kind: 'absent',
    giveUpAt: isAwaited ? Number.POSITIVE_INFINITY : desk.lastReadyAt + rules.builderWaitMs,
    known,
  };
}

/** Whether work of this kind may go to `builder` at all, its places aside. */
export function mayTake(
  builder: RosterBuilder,
  desk: Desk,
  roster: Known,
  rules: RosterRules,
  now: number,
): boolean {
  const state = deskState(desk, roster, rules, now);
  const isServed = state.kind === 'open' || state.kind === 'busy';
  return isServed && (desk.natives.size > 0 ? desk.natives : desk.emulating).has(builder);
}

/** Whether anybody, here or away, could take it. */
export function isHopeless(desk: Desk, roster: Known, rules: RosterRules): boolean {
  return desk.natives.size + desk.emulating.size === 0 && knownFor(desk, roster, rules).length === 0;
}

function knownFor(desk: Desk, roster: Known, rules: RosterRules): readonly RosterBuilder[] {
  return [...roster.all()].filter(({ offer }) => fitOf(desk.kind, offer, rules) !== 'none');
}
