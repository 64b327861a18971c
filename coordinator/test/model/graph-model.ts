/**
 * What the graph of the queue promises, said again in the plainest way: sets and maps, everything recomputed from
 * scratch. Derivations are numbers; each may need only lower ones. All it remembers is who is a step, who is taken, and
 * what the taken ones make along the way.
 */
import type { GraphJob } from '../../src/domain/queue/step.ts';
import type { Nature } from './scheduler-moves.ts';

interface ModelJob {
  readonly job: GraphJob;
  readonly at: number;
  wish: number;
}

export interface Standing {
  /** `repository:rank`, by repository. */
  readonly claims: readonly string[];
  readonly isTrusted: boolean;
  readonly bumpedAt: number;
}

export class GraphModel {
  readonly #natures: readonly Nature[];
  readonly jobs = new Map<number, ModelJob>();
  /** Its age. */
  readonly present = new Map<number, number>();
  readonly #needs = new Map<number, Set<number>>();
  readonly #steps = new Set<number>();
  readonly taken = new Set<number>();
  /** Steps that the taken ones make along the way. */
  readonly #made = new Map<number, Set<number>>();
  #arrivals = 0;
  /** What was found already, until a need changes: most moves change none, and every move asks for all of it. */
  readonly #neededBy = new Map<number, readonly number[]>();
  readonly #below = new Map<number, ReadonlySet<number>>();

  constructor(natures: readonly Nature[]) {
    this.#natures = natures;
  }

  add(
    jobs: readonly { readonly job: GraphJob; readonly at: number }[],
    plan: ReadonlyMap<number, readonly number[]>,
  ): void {
    const before = new Set(this.present.keys());
    for (const at of plan.keys()) {
      if (!this.present.has(at)) {
        this.present.set(at, this.#arrivals);
        this.#needs.set(at, new Set());
        this.#arrivals += 1;
      }
    }
    for (const [at, inputs] of plan) {
      for (const input of inputs.filter((one) => this.present.has(one))) {
        this.#needs.get(at)?.add(input);
      }
    }
    this.#needsChanged();
    for (const { job, at } of jobs) {
      this.jobs.set(job.jobId, { job, at, wish: job.bumpedAt ?? 0 });
    }
    for (const at of this.#downwards()) {
      if (!before.has(at) && !this.isNamed(at) && this.neededBy(at).length === 0) {
        this.#forgetDerivation(at);
      }
    }
    this.#findSteps();
    this.#follow();
  }
  take(at: number): void {
    this.taken.add(at);
    this.#made.set(at, new Set());
    this.#follow();
  }
  putBack(at: number): void {
    this.taken.delete(at);
    this.#made.delete(at);
    this.#sweep();
  }
  finish(at: number): void {
    this.taken.delete(at);
    this.#made.delete(at);
    if (!this.isNamed(at)) {
      this.#removeStep(at);
    }
    this.#sweep();
  }
  forget(jobId: number, attempt: number): void {
    if (this.jobs.get(jobId)?.job.attempt === attempt) {
      this.jobs.delete(jobId);
    }
    this.#sweep();
  }
  bump(jobId: number, now: number): void {
    const known = this.jobs.get(jobId);
    if (known !== undefined) {
      known.wish = Math.max(known.wish, now);
    }
  }

  isStep(at: number): boolean {
    return this.#steps.has(at);
  }
  steps(): readonly number[] {
    return [...this.present.keys()].filter((at) => this.isStep(at));
  }
  isNamed(at: number): boolean {
    return [...this.jobs.values()].some((one) => one.at === at);
  }
  neededBy(at: number): readonly number[] {
    let found = this.#neededBy.get(at);
    if (found === undefined) {
      found = [...this.present.keys()].filter((other) => this.#needs.get(other)?.has(at) === true);
      this.#neededBy.set(at, found);
    }
    return found;
  }
  within(at: number): number {
    const [dependent] = this.isStep(at) ? [] : this.neededBy(at);
    return dependent === undefined ? at : this.within(dependent);
  }
  isUnwanted(at: number): boolean {
    return this.taken.has(at) && !this.isNamed(at) && this.neededBy(at).length === 0;
  }
  /** Needs that are steps, of it and of all inside it, and builds under way that make it. */
  pending(at: number): number {
    let count = 0;
    for (const [from, needs] of this.#needs) {
      count += this.within(from) === at ? [...needs].filter((need) => this.isStep(need)).length : 0;
    }
    return count + [...this.#made.values()].filter((made) => made.has(at)).length;
  }
  isReady(at: number): boolean {
    return this.isStep(at) && !this.taken.has(at) && this.pending(at) === 0;
  }
  /** It and everything below it. */
  below(at: number): ReadonlySet<number> {
    const known = this.#below.get(at);
    if (known !== undefined) {
      return known;
    }
    const found = new Set([at]);
    for (const one of found) {
      for (const need of this.#needs.get(one) ?? []) {
        found.add(need);
      }
    }
    this.#below.set(at, found);
    return found;
  }
  standing(at: number): Standing {
    const wanting = [...this.jobs.values()].filter((one) => this.below(one.at).has(at));
    const ranks = new Map<number, number>();
    for (const { job } of wanting) {
      const { repositoryId, rank } = job.claim;
      ranks.set(repositoryId, Math.min(rank, ranks.get(repositoryId) ?? rank));
    }
    return {
      claims: [...ranks].toSorted(([one], [other]) => one - other).map(([id, rank]) => `${id}:${rank}`),
      isTrusted: wanting.some(({ job }) => job.claim.isTrusted),
      bumpedAt: Math.max(0, ...wanting.map(({ wish }) => wish)),
    };
  }
  aboveMs(at: number): number {
    return Math.max(0, ...this.neededBy(at).map((dependent) => this.pathMs(dependent)));
  }
  pathMs(at: number): number {
    return this.aboveMs(at) + (this.isStep(at) ? this.nature(at).expectedMs : 0);
  }
  nature(at: number): Nature {
    const nature = this.#natures[at];
    if (nature === undefined) {
      throw new Error(`expected one of ${this.#natures.length} derivations, got ${at}`);
    }
    return nature;
  }

  /** Those that need before those that are needed. */
  #downwards(): readonly number[] {
    return [...this.present.keys()].toSorted((one, other) => other - one);
  }
  /** Once a step, always a step. */
  #findSteps(): void {
    for (const at of this.#downwards()) {
      const withins = new Set(this.neededBy(at).map((dependent) => this.within(dependent)));
      const [into] = withins;
      const isMade = [...this.#made.values()].some((made) => made.has(at));
      const isInside = into !== undefined && withins.size === 1 && this.#fitsInside(at, into);
      if (this.isNamed(at) || isMade || !isInside) {
        this.#steps.add(at);
      }
    }
  }
  #fitsInside(at: number, into: number): boolean {
    const [one, other] = [this.nature(at), this.nature(into)];
    const isSystem = one.system === 'builtin' || one.system === other.system;
    return isSystem && one.features.every((feature) => other.features.includes(feature));
  }
  /** What the taken ones make: every step that can be reached from them, and what comes below those. */
  #follow(): void {
    for (const [taken, made] of this.#made) {
      for (const from of [taken, ...made]) {
        for (const at of this.below(from)) {
          if (at !== taken && this.isStep(at)) {
            made.add(at);
          }
        }
      }
    }
  }
  #sweep(): void {
    for (let isOver = false; !isOver; ) {
      const unwanted = this.steps().find(
        (at) => !this.taken.has(at) && !this.isNamed(at) && this.neededBy(at).length === 0,
      );
      isOver = unwanted === undefined;
      if (unwanted !== undefined) {
        this.#removeStep(unwanted);
      }
    }
  }
  #removeStep(step: number): void {
    const inside = [...this.present.keys()].filter((at) => this.within(at) === step);
    for (const made of this.#made.values()) {
      for (const at of made.has(step) ? inside : []) {
        made.add(at);
      }
    }
    for (const at of inside) {
      this.#forgetDerivation(at);
    }
  }
  #needsChanged(): void {
    this.#neededBy.clear();
    this.#below.clear();
  }
  #forgetDerivation(at: number): void {
    this.present.delete(at);
    this.#needs.delete(at);
    this.#steps.delete(at);
    for (const needs of this.#needs.values()) {
      needs.delete(at);
    }
    this.#needsChanged();
  }
}
