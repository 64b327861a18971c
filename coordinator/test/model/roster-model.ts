/**
 * What the roster of builders promises, said again in the plainest way. A kind of work is asked for by its needs; when it
 * could last be built is remembered for each, since it depends on what was before.
 */
import type { BuilderOffer } from '../../src/domain/builder-offer.ts';
import type { SchedulerRules } from '../../src/domain/queue/scheduler.ts';
import { FEATURES, SYSTEMS } from './scheduler-moves.ts';

export interface Needs {
  readonly system: string;
  readonly features: readonly string[];
  readonly isTrusted: boolean;
}

interface ModelBuilder {
  readonly name: string;
  offer: BuilderOffer;
  isPresent: boolean;
  isExpectedOffline: boolean;
  until: number | null;
  isOnProbation: boolean;
  spoiled: Set<number>;
  strikes: number;
}

interface Last {
  native: number;
  ready: number;
}

export const KINDS: readonly Needs[] = SYSTEMS.flatMap((system) =>
  [[], ...FEATURES.map((one) => [one])].flatMap((features) =>
    [true, false].map((isTrusted) => ({ system, features, isTrusted })),
  ),
);

export class RosterModel {
  readonly #rules: SchedulerRules;
  readonly builders = new Map<string, ModelBuilder>();
  /** Places in use; of those that were removed, too. */
  readonly used = new Map<string, number>();
  readonly #last = new Map<Needs, Last>();

  constructor(rules: SchedulerRules, now: number) {
    this.#rules = rules;
    for (const needs of KINDS) {
      this.#last.set(needs, { native: now, ready: now });
    }
  }

  join(name: string, offer: BuilderOffer, isExpectedOffline: boolean, now: number): void {
    this.#watch(now, () => Object.assign(this.#put(name), { offer, isExpectedOffline, isPresent: true }));
  }
  expect(name: string, offer: BuilderOffer, isExpectedOffline: boolean, leftAt: number): void {
    this.#watch(leftAt, () => Object.assign(this.#put(name), { offer, isExpectedOffline }));
    const builder = this.builders.get(name);
    for (const [needs, last] of this.#last) {
      if (builder?.isPresent === false) {
        const fit = this.fit(needs, builder);
        last.native = fit === 'native' ? Math.max(last.native, leftAt) : last.native;
        last.ready = fit === 'none' ? last.ready : Math.max(last.ready, leftAt);
      }
    }
  }
  leave(name: string, now: number): void {
    this.#watch(now, () => {
      const builder = this.builders.get(name);
      if (builder !== undefined) {
        builder.isPresent = false;
      }
    });
  }
  remove(name: string, now: number): void {
    this.#watch(now, () => this.builders.delete(name));
  }
  use(name: string, count: number): void {
    const used = (this.used.get(name) ?? 0) + count;
    this.used.set(name, used);
  }
  trouble(name: string, at: number, now: number): void {
    const builder = this.builders.get(name);
    if (builder === undefined || builder.until !== null) {
      return;
    }
    builder.spoiled.add(at);
    if (builder.isOnProbation || builder.spoiled.size === 3) {
      this.#watch(now, () => {
        builder.until = now + Math.min(3_600_000, this.#rules.quarantineMs * 2 ** builder.strikes);
        builder.strikes += 1;
        builder.isOnProbation = false;
      });
    }
  }
  wentWell(name: string): void {
    const builder = this.builders.get(name);
    if (builder?.until === null) {
      Object.assign(builder, { spoiled: new Set(), strikes: 0, isOnProbation: false });
    }
  }
  endQuarantines(now: number): void {
    for (const builder of this.builders.values()) {
      if (builder.until !== null && builder.until <= now) {
        Object.assign(builder, { until: null, isOnProbation: true });
      }
    }
  }

  isReady({ isPresent, until }: ModelBuilder): boolean {
    return isPresent && until === null;
  }
  isOpen(builder: ModelBuilder): boolean {
    const places = builder.isOnProbation ? 1 : builder.offer.slots;
    return this.isReady(builder) && (this.used.get(builder.name) ?? 0) < places;
  }
  /** Whether it may have work of this kind, its places aside. */
  mayHave(builder: ModelBuilder, needs: Needs, now: number): boolean {
    const fit = this.fit(needs, builder);
    if (fit === 'none' || !this.isReady(builder)) {
      return false;
    }
    const natives = [...this.builders.values()].filter((one) => this.fit(needs, one) === 'native');
    const isNativeReady = natives.some((one) => this.isReady(one));
    const isOverGrace = now >= this.#lastOf(needs).native + this.#rules.spillGraceMs;
    return fit === 'native' || (!isNativeReady && (natives.length === 0 || isOverGrace));
  }
  /** Those that could take it in this moment. */
  openFor(needs: Needs, now: number): readonly ModelBuilder[] {
    return [...this.builders.values()].filter((one) => this.isOpen(one) && this.mayHave(one, needs, now));
  }
  isHopeless(needs: Needs): boolean {
    return ![...this.builders.values()].some((one) => this.fit(needs, one) !== 'none');
  }
  isGivenUp(needs: Needs, now: number): boolean {
    const known = [...this.builders.values()].filter((one) => this.fit(needs, one) !== 'none');
    return (
      known.length > 0 &&
      !known.some((one) => this.isReady(one) || (one.isExpectedOffline && !one.isPresent)) &&
      now >= this.#lastOf(needs).ready + this.#rules.builderWaitMs
    );
  }
  fit({ system, features, isTrusted }: Needs, { offer }: ModelBuilder): 'native' | 'emulated' | 'none' {
    const isAllowed = isTrusted || offer.isSandboxed || this.#rules.allowsUnsandboxedUntrusted;
    const hasAll = features.every((one) => offer.features.includes(one));
    const isAskedFor = offer.mandatoryFeatures.every((one) => features.includes(one));
    if (!isAllowed || !hasAll || !isAskedFor || offer.slots === 0) {
      return 'none';
    }
    if (system === 'builtin' || offer.systems.includes(system)) {
      return 'native';
    }
    return offer.emulatedSystems.includes(system) ? 'emulated' : 'none';
  }

  #lastOf(needs: Needs): Last {
    const key = KINDS.find(
      (kind) =>
        kind.system === needs.system &&
        kind.isTrusted === needs.isTrusted &&
        kind.features.join() === needs.features.join(),
    );
    const last = key === undefined ? undefined : this.#last.get(key);
    if (last === undefined) {
      throw new Error(`expected one of the kinds, got ${JSON.stringify(needs)}`);
    }
    return last;
  }
  #readyFor(needs: Needs, fits: readonly string[]): boolean {
    return [...this.builders.values()].some(
      (one) => this.isReady(one) && fits.includes(this.fit(needs, one)),
    );
  }
  #watch(now: number, change: () => void): void {
    const before = KINDS.map((needs) => [
      this.#readyFor(needs, ['native']),
      this.#readyFor(needs, ['native', 'emulated']),
    ]);
    change();
    for (const [at, needs] of KINDS.entries()) {
      const [wasNative = false, wasReady = false] = before[at] ?? [];
      if (wasNative && !this.#readyFor(needs, ['native'])) {
        this.#lastOf(needs).native = now;
      }
      if (wasReady && !this.#readyFor(needs, ['native', 'emulated'])) {
        this.#lastOf(needs).ready = now;
      }
    }
  }
  #put(name: string): ModelBuilder {
    const known = this.builders.get(name);
    if (known !== undefined) {
      return known;
    }
    const builder: ModelBuilder = {
      name,
      offer: { ...NOTHING },
      isPresent: false,
      isExpectedOffline: false,
      until: null,
      isOnProbation: false,
      spoiled: new Set(),
      strikes: 0,
    };
    this.builders.set(name, builder);
    return builder;
  }
}

const NOTHING: BuilderOffer = {
  systems: [],
  emulatedSystems: [],
  features: [],
  mandatoryFeatures: [],
  isSandboxed: true,
  slots: 0,
  speedFactor: 1,
};
