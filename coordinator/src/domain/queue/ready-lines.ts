/**
 * The steps that could be built now: a line for each kind of work, and in it the steps of each repository by rank, by the
 * length of the way above them, by age. A step that several repositories need stands in the line of each, and is taken at
 * the turn of the first. Steps that somebody asked to be first stand before all others, the newest wish first.
 */
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { FairShare, Meter } from './fair-share.ts';
import { createHeap, type Heap } from './heap.ts';
import type { Kind } from './kind.ts';
import type { Desk } from './roster.ts';
import { type Place, pathOf, type Step } from './step.ts';

interface Share {
  readonly meter: Meter;
  readonly places: Heap<Place>;
}

export interface ReadyLine {
  readonly desk: Desk;
  size: number;
  readonly shares: Map<RepositoryId, Share>;
  readonly bumped: Heap<Place>;
  /** In the order in which they became ready; holds some that are not any more, those before `firstArrival` among them. */
  arrivals: Place[];
  firstArrival: number;
  voids: number;
  /** As it was when it was last looked for; undefined after anything came or went. */
  known: { readonly head: Head | undefined; readonly level: number; readonly falls: number } | undefined;
}

/** The first of a line, or of all lines. */
export interface Head {
  readonly line: ReadyLine;
  readonly place: Place;
  readonly rank: number;
  /** At whose expense. */
  readonly meter: Meter;
}

export interface ReadyLines {
  enter(step: Step, now: number): void;
  leave(step: Step): void;
  all(): Iterable<ReadyLine>;
  lineOf(step: Step): ReadyLine | undefined;
  readonly size: number;
  headOf(line: ReadyLine): Head | undefined;
  isBefore(one: Head, other: Head): boolean;
  /** The first of each repository's share, at most `count` of each. */
  first(line: ReadyLine, count: number): readonly Head[];
  /** Each step once, in no order. */
  stepsOf(line: ReadyLine): Iterable<Step>;
  oldestSince(line: ReadyLine): number | undefined;
}

const MOST_VOIDS = 64;

export function createReadyLines(share: FairShare, deskOf: (step: Step, now: number) => Desk): ReadyLines {
  const lines = new Map<Kind['id'], ReadyLine>();
  let size = 0;

  function lineFor(desk: Desk): ReadyLine {
    let line = lines.get(desk.kind.id);
    if (line === undefined) {
      line = {
        desk,
        size: 0,
        shares: new Map(),
        bumped: createHeap<Place>((one, other) => isBumpedBefore(one, other)),
        arrivals: [],
        firstArrival: 0,
        voids: 0,
        known: undefined,
      };
      lines.set(desk.kind.id, line);
    }
    return line;
  }
  function put(line: ReadyLine, place: Place, now: number): void {
    for (const { repositoryId } of place.claims.members) {
      let found = line.shares.get(repositoryId);
      if (found === undefined) {
        found = {
          meter: share.meter(repositoryId),
          places: createHeap<Place>((one, other) => isPlaceBefore(one, other, repositoryId)),
        };
        line.shares.set(repositoryId, found);
      }
      share.wants(found.meter, now);
      found.places.push(place);
    }
    if (place.bumpedAt > 0) {
      line.bumped.push(place);
    }
    line.known = undefined;
    line.size += 1;
    size += 1;
  }
  function lineOf({ place }: Step): ReadyLine | undefined {
    return place === undefined ? undefined : lines.get(place.kindId);
  }
  function drop(line: ReadyLine, place: Place): void {
    place.isVoid = true;
    line.known = undefined;
    size -= 1;
    line.size -= 1;
    line.voids += 1;
    for (const { repositoryId } of place.claims.members) {
      share.meter(repositoryId).ready -= 1;
    }
    if (line.size === 0) {
      // A decision looks at every line: one for each feature that somebody made up would slow them all, for ever.
      lines.delete(line.desk.kind.id);
    } else if (line.voids > MOST_VOIDS && line.voids > line.size) {
      sweep(line);
    }
  }
  function sweep(line: ReadyLine): void {
    line.voids = 0;
    line.bumped.filter((place) => !place.isVoid);
    for (const [repositoryId, { places }] of line.shares) {
      places.filter((place) => !place.isVoid);
      if (places.size === 0) {
        line.shares.delete(repositoryId);
      }
    }
    line.arrivals = line.arrivals.filter((arrival) => isWaiting(line, arrival));
    line.firstArrival = 0;
  }
  function isWaiting(line: ReadyLine, { step, readySince }: Place): boolean {
    return step.place?.kindId === line.desk.kind.id && step.place.readySince === readySince;
  }
  /** Of the repositories that want it, the one whose turn is next. */
  function payerOf(line: ReadyLine, place: Place): Head | undefined {
    let best: Head | undefined;
    for (const { repositoryId, rank } of place.claims.members) {
      const head = { line, place, rank, meter: share.meter(repositoryId) };
      if (best === undefined || head.meter.level < best.meter.level) {
        best = head;
      }
    }
    return best;
  }

  function findHead(line: ReadyLine): Head | undefined {
    const bumped = firstOf(line.bumped);
    if (bumped !== undefined) {
      return payerOf(line, bumped);
    }
    let best: Head | undefined;
    for (const { meter, places } of line.shares.values()) {
      const place = best === undefined || meter.level <= best.meter.level ? firstOf(places) : undefined;
      if (place !== undefined) {
        const head = { line, place, rank: rankFor(place, meter.repositoryId), meter };
        best = best === undefined || isBefore(head, best) ? head : best;
      }
    }
    return best;
  }

  return {
    enter: (step, now) => {
      const line = lineFor(deskOf(step, now));
      const kindId = line.desk.kind.id;
      const before = step.place;
      const isSameLine = before?.kindId === kindId;
      const pathMs = pathOf(step);
      if (
        isSameLine &&
        before.claims === step.claims &&
        before.pathMs === pathMs &&
        before.bumpedAt === step.bumpedAt
      ) {
        return;
      }
      const { claims, bumpedAt } = step;
      const readySince = before?.readySince ?? now;
      const place = { step, kindId, claims, pathMs, bumpedAt, readySince, isVoid: false };
      const lineBefore = lineOf(step);
      step.place = place;
      // The new place first: whoever has only this one must not seem to want nothing in between.
      put(line, place, now);
      if (before !== undefined && lineBefore !== undefined) {
        drop(lineBefore, before);
      }
      if (!isSameLine) {
        line.arrivals.push(place);
      }
    },
    leave: (step) => {
      const { place } = step;
      const line = lineOf(step);
      step.place = undefined;
      if (place !== undefined && line !== undefined) {
        drop(line, place);
      }
    },
    all: () => lines.values(),
    lineOf,
    get size() {
      return size;
    },
    headOf: (line) => {
      const { known } = line;
      if (known !== undefined && known.falls === share.falls && known.level === known.head?.meter.level) {
        return known.head;
      }
      const head = findHead(line);
      line.known = { head, level: head?.meter.level ?? 0, falls: share.falls };
      return head;
    },
    isBefore,
    first: (line, count) => {
      const heads = new Map<Step, Head>();
      for (const [repositoryId, { meter, places }] of line.shares) {
        for (const place of places.first(count, ({ isVoid }) => !isVoid)) {
          const head = { line, place, rank: rankFor(place, repositoryId), meter };
          const known = heads.get(place.step);
          heads.set(place.step, known === undefined || isBefore(head, known) ? head : known);
        }
      }
      for (const place of line.bumped.first(count, ({ isVoid }) => !isVoid)) {
        const head = heads.has(place.step) ? undefined : payerOf(line, place);
        if (head !== undefined) {
          heads.set(place.step, head);
        }
      }
      return [...heads.values()];
    },
    stepsOf: (line) =>
      new Set(line.arrivals.filter((arrival) => isWaiting(line, arrival)).map(({ step }) => step)),
    oldestSince: (line) => {
      for (let arrival = line.arrivals[line.firstArrival]; arrival !== undefined; ) {
        if (isWaiting(line, arrival)) {
          return arrival.readySince;
        }
        line.firstArrival += 1;
        arrival = line.arrivals[line.firstArrival];
      }
      return undefined;
    },
  };
}

function firstOf(places: Heap<Place>): Place | undefined {
  let first = places.peek();
  while (first?.isVoid === true) {
    places.pop();
    first = places.peek();
  }
  return first;
}

function isBefore(one: Head, other: Head): boolean {
  if (one.place.bumpedAt !== other.place.bumpedAt) {
    return one.place.bumpedAt > other.place.bumpedAt;
  }
  if (one.meter !== other.meter && one.meter.level !== other.meter.level) {
    return one.meter.level < other.meter.level;
  }
  if (one.rank !== other.rank) {
    return one.rank < other.rank;
  }
  return isLongerOrOlder(one.place, other.place);
}

function rankFor({ claims: { members } }: Place, repositoryId: RepositoryId): number {
  const only = members.length === 1 ? members[0] : undefined;
  return (only ?? members.find((claim) => claim.repositoryId === repositoryId))?.rank ?? 2;
}

function isPlaceBefore(one: Place, other: Place, repositoryId: RepositoryId): boolean {
  const ranks = rankFor(one, repositoryId) - rankFor(other, repositoryId);
  return ranks === 0 ? isLongerOrOlder(one, other) : ranks < 0;
}

function isBumpedBefore(one: Place, other: Place): boolean {
  return one.bumpedAt === other.bumpedAt ? isLongerOrOlder(one, other) : one.bumpedAt > other.bumpedAt;
}

function isLongerOrOlder(one: Place, other: Place): boolean {
  return one.pathMs === other.pathMs ? one.step.age < other.step.age : one.pathMs > other.pathMs;
}
