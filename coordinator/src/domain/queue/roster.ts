/**
 * Who there is to build, and for each kind of work who could take it. A builder is
 *
 * - *ready*, when it is here and not in trouble; it is *open* while one of its places is free;
 * - *quarantined*, after several different steps in a row were spoiled on it through no fault of theirs: it gets nothing
 *   until a wait is over, which doubles each time. Then it is on probation: one place, until a build of it ends well or
 *   as a failure of its own; one more trouble and it is quarantined again;
 * - *paused*, when it finishes what it has and takes nothing new: an operator drained it, it stops, or its disk is full.
 *   Work waits for it as for one whose places are all taken;
 * - *absent*, when it left: it is expected back, so what it could build is not hopeless;
 * - unknown again, when it was removed.
 *
 * For a kind, natives come before builders that emulate: those get it only when no native builder is ready, and none was
 * within the spill grace.
 */
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { BuilderOffer } from '../builder-offer.ts';
import { type Fit, fitOf, type Kind, type KindRules } from './kind.ts';

export interface RosterRules extends KindRules {
  /** How long a kind's steps wait after the last one who could take them went. */
  readonly builderWaitMs: number;
  /** How long they wait for a native builder before emulating ones get them. */
  readonly spillGraceMs: number;
  /** The first quarantine; each further one is twice as long. */
  readonly quarantineMs: number;
}

export interface Quarantine {
  readonly since: number;
  readonly until: number;
  readonly failures: number;
  readonly reason: string;
}

export interface RosterBuilder {
  readonly name: string;
  /** In which they came to be known. */
  readonly order: number;
  offer: BuilderOffer;
  isPresent: boolean;
  isExpectedOffline: boolean;
  leftAt: number;
  used: number;
  quarantine: Quarantine | null;
  isOnProbation: boolean;
  /** Why it takes nothing new. */
  pause: string | null;
  /** The kinds of work that it could take now, its places aside. */
  readonly serves: Set<Desk>;
  /** Steps that were spoiled on it since the last one that was not. */
  readonly spoiled: Set<DerivationPath>;
  /** Quarantines since a build of it went well. */
  strikes: number;
}

/** Who serves one kind of work. */
export interface Desk {
  readonly kind: Kind;
  /** Ready ones. */
  readonly natives: Set<RosterBuilder>;
  readonly emulating: Set<RosterBuilder>;
  /** Of these, those with a free place. */
  readonly openNatives: Set<RosterBuilder>;
  readonly openEmulating: Set<RosterBuilder>;
  lastNativeAt: number;
  lastReadyAt: number;
}

export interface Roster {
  desks(): IteratorObject<Desk>;
  desk(kind: Kind, now: number): Desk;
  builder(name: string): RosterBuilder | undefined;
  all(): Iterable<RosterBuilder>;
  readonly slots: number;
  join(name: string, offer: BuilderOffer, isExpectedOffline: boolean, now: number): void;
  expect(name: string, offer: BuilderOffer, isExpectedOffline: boolean, leftAt: number): void;
  leave(name: string, now: number): void;
  remove(name: string, now: number): void;
  pause(name: string, reason: string | null): void;
  /** The rules changed, or who is expected to be away. */
  reconsider(isExpectedOffline: (name: string) => boolean, now: number): void;
  /** Places taken, or given back with a negative count. */
  use(builder: RosterBuilder, slots: number): void;
  /** Places given back, of one that was removed meanwhile too. */
  free(name: string, slots: number): void;
  trouble(name: string, drvPath: DerivationPath, reason: string, now: number): void;
  wentWell(name: string): void;
  /** Those whose quarantine is over are on probation now. */
  endQuarantines(now: number): void;
  /** The next moment at which something here changes by itself. */
  nextChange(): number;
}

// Three of a kind could still be one bad step that went round; three different ones are not.
const TROUBLE_IN_A_ROW = 3;
const LONGEST_QUARANTINE_MS = 3_600_000;

export function createRoster(rules: RosterRules): Roster {
  const builders = new Map<string, RosterBuilder>();
  /** Removed ones whose places are not given back: work may still run there, also when one of that name comes again. */
  const remaining = new Map<string, RosterBuilder>();
  const desks = new Map<number, Desk>();
  const quarantined = new Set<RosterBuilder>();
  let arrivals = 0;

  function isReady({ isPresent, quarantine }: RosterBuilder): boolean {
    return isPresent && quarantine === null;
  }
  function isOpen(builder: RosterBuilder): boolean {
    const places = builder.isOnProbation ? 1 : builder.offer.slots;
    return isReady(builder) && builder.pause === null && builder.used < places;
  }
  function place(builder: RosterBuilder, desk: Desk, now: number): void {
    const fit: Fit = isReady(builder) ? fitOf(desk.kind, builder.offer, rules) : 'none';
    const wasNative = desk.natives.has(builder);
    const wasReady = wasNative || desk.emulating.has(builder);
    setMember(builder.serves, desk, fit !== 'none');
    setMember(desk.natives, builder, fit === 'native');
    setMember(desk.emulating, builder, fit === 'emulated');
    setMember(desk.openNatives, builder, fit === 'native' && isOpen(builder));
    setMember(desk.openEmulating, builder, fit === 'emulated' && isOpen(builder));
    if (wasNative && desk.natives.size === 0) {
      desk.lastNativeAt = now;
    }
    if (wasReady && desk.natives.size + desk.emulating.size === 0) {
      desk.lastReadyAt = now;
    }
  }
  function placeEverywhere(builder: RosterBuilder, now: number): void {
    for (const desk of desks.values()) {
      place(builder, desk, now);
    }
  }
  function refreshOpen(builder: RosterBuilder): void {
    const open = isOpen(builder);
    for (const desk of builder.serves) {
      setMember(desk.openNatives, builder, open && desk.natives.has(builder));
      setMember(desk.openEmulating, builder, open && desk.emulating.has(builder));
    }
  }
  function put(name: string, offer: BuilderOffer, isExpectedOffline: boolean): RosterBuilder {
    const known = builders.get(name);
    if (known !== undefined) {
      known.offer = offer;
      known.isExpectedOffline = isExpectedOffline;
      return known;
    }
    const builder = {
      name,
      order: arrivals,
      offer,
      isPresent: false,
      isExpectedOffline,
      leftAt: 0,
      used: remaining.get(name)?.used ?? 0,
      quarantine: null,
      isOnProbation: false,
      pause: null,
      spoiled: new Set<DerivationPath>(),
      serves: new Set<Desk>(),
      strikes: 0,
    };
    arrivals += 1;
    builders.set(name, builder);
    remaining.delete(name);
    return builder;
  }
  function use(builder: RosterBuilder, slots: number): void {
    const wasOpen = isOpen(builder);
    builder.used += slots;
    if (isOpen(builder) !== wasOpen) {
      refreshOpen(builder);
    }
  }
  function putInQuarantine(builder: RosterBuilder, reason: string, now: number): void {
    const lengthMs = Math.min(LONGEST_QUARANTINE_MS, rules.quarantineMs * 2 ** Math.min(20, builder.strikes));
    builder.strikes += 1;
    builder.quarantine = {
      since: builder.quarantine?.since ?? now,
      until: now + lengthMs,
      failures: builder.spoiled.size,
      reason,
    };
    builder.isOnProbation = false;
    quarantined.add(builder);
    placeEverywhere(builder, now);
  }

  /** When the last of those went who could take it; undefined when there are none. */
  function wentAt(kind: Kind, isMeant: (fit: Fit) => boolean): number | undefined {
    let last: number | undefined;
    for (const { offer, quarantine: trouble, leftAt } of builders.values()) {
      if (isMeant(fitOf(kind, offer, rules))) {
        last = Math.max(last ?? 0, trouble?.since ?? leftAt);
      }
    }
    return last;
  }

  return {
    desks: () => desks.values(),
    desk: (kind, now) => {
      let desk = desks.get(kind.id);
      if (desk === undefined) {
        desk = {
          kind,
          natives: new Set(),
          emulating: new Set(),
          openNatives: new Set(),
          openEmulating: new Set(),
          lastNativeAt: wentAt(kind, (fit) => fit === 'native') ?? now,
          lastReadyAt: wentAt(kind, (fit) => fit !== 'none') ?? now,
        };
        desks.set(kind.id, desk);
        for (const builder of builders.values()) {
          place(builder, desk, now);
        }
      }
      return desk;
    },
    builder: (name) => builders.get(name),
    all: () => builders.values(),
    get slots() {
      return [...builders.values()].reduce((sum, one) => sum + (isReady(one) ? one.offer.slots : 0), 0);
    },
    join: (name, offer, isExpectedOffline, now) => {
      const builder = put(name, offer, isExpectedOffline);
      builder.isPresent = true;
      placeEverywhere(builder, now);
    },
    expect: (name, offer, isExpectedOffline, leftAt) => {
      const builder = put(name, offer, isExpectedOffline);
      builder.leftAt = leftAt;
      placeEverywhere(builder, leftAt);
      for (const desk of builder.isPresent ? [] : desks.values()) {
        const fit = fitOf(desk.kind, offer, rules);
        desk.lastNativeAt = Math.max(desk.lastNativeAt, fit === 'native' ? leftAt : 0);
        desk.lastReadyAt = Math.max(desk.lastReadyAt, fit === 'none' ? 0 : leftAt);
      }
    },
    leave: (name, now) => {
      const builder = builders.get(name);
      if (builder?.isPresent === true) {
        builder.isPresent = false;
        builder.leftAt = now;
        placeEverywhere(builder, now);
      }
    },
    remove: (name, now) => {
      const builder = builders.get(name);
      if (builder !== undefined) {
        builder.isPresent = false;
        placeEverywhere(builder, now);
        quarantined.delete(builder);
        builders.delete(name);
        if (builder.used > 0) {
          remaining.set(name, builder);
        }
      }
    },
    pause: (name, reason) => {
      const builder = builders.get(name);
      if (builder !== undefined) {
        builder.pause = reason;
        refreshOpen(builder);
      }
    },
    reconsider: (isExpectedOffline, now) => {
      for (const builder of builders.values()) {
        builder.isExpectedOffline = isExpectedOffline(builder.name);
        placeEverywhere(builder, now);
      }
    },
    use,
    free: (name, slots) => {
      const builder = builders.get(name) ?? remaining.get(name);
      if (builder !== undefined) {
        use(builder, -slots);
      }
      if (remaining.get(name)?.used === 0) {
        remaining.delete(name);
      }
    },
    trouble: (name, drvPath, reason, now) => {
      const builder = builders.get(name);
      if (builder === undefined || builder.quarantine !== null) {
        return;
      }
      builder.spoiled.add(drvPath);
      if (builder.isOnProbation || builder.spoiled.size >= TROUBLE_IN_A_ROW) {
        putInQuarantine(builder, reason, now);
      }
    },
    wentWell: (name) => {
      const builder = builders.get(name);
      if (builder !== undefined && builder.quarantine === null) {
        builder.spoiled.clear();
        builder.strikes = 0;
        builder.isOnProbation = false;
        refreshOpen(builder);
      }
    },
    endQuarantines: (now) => {
      for (const builder of quarantined) {
        if (builder.quarantine !== null && builder.quarantine.until <= now) {
          builder.quarantine = null;
          builder.isOnProbation = true;
          quarantined.delete(builder);
          placeEverywhere(builder, now);
        }
      }
    },
    nextChange: () => {
      let next = Number.POSITIVE_INFINITY;
      for (const builder of quarantined) {
        next = Math.min(next, builder.quarantine?.until ?? next);
      }
      return next;
    },
  };
}

function setMember<Item>(set: Set<Item>, item: Item, isMember: boolean): void {
  if (isMember) {
    set.add(item);
  } else {
    set.delete(item);
  }
}
