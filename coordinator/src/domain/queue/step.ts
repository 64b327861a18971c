import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { JobAttempt } from '../job-attempt.ts';
import type { Claim, ClaimSet } from './claims.ts';

/** A job that waits for its derivation. */
export interface GraphJob extends JobAttempt {
  readonly evaluationId: EvaluationId;
  readonly attr: string;
  readonly system: string;
  readonly drvPath: DerivationPath;
  readonly claim: Claim;
  /** When somebody asked for it to be first. */
  readonly bumpedAt: EpochMs | null;
  /** Store paths of its outputs, as far as they are known before it is built. */
  readonly outputs: readonly string[];
  /** A builder had this attempt before and was interrupted: outputs that are there now are its work. */
  readonly wasDispatched: boolean;
}

/** A derivation that is not there yet, with what a look at it told. */
export interface PlannedDerivation {
  readonly drvPath: DerivationPath;
  /** `builtin` can be had anywhere; so can what a cache has. */
  readonly system: string;
  readonly requiredFeatures: readonly string[];
  /** Other planned derivations that it needs directly. */
  readonly inputs: readonly DerivationPath[];
  /** How long it took before, or what anything takes when nobody knows. */
  readonly expectedMs: number;
}

/** A place in line, as it was when the step entered it. */
export interface Place {
  readonly step: Step;
  /** Of the line that it is in. */
  readonly kindId: number;
  readonly claims: ClaimSet;
  readonly pathMs: number;
  readonly bumpedAt: number;
  /** Since when it could be built. */
  readonly readySince: number;
  /** It left, or has another place now: whoever meets this one drops it. */
  isVoid: boolean;
}

/** Nearly every step has none or a few: an empty set costs more than the rest of a step. */
export type Neighbours = ReadonlySet<Step>;

const NO_NEIGHBOURS: Neighbours = new Set();

/**
 * A derivation that is not there yet. It is a *step* when it is given out by itself, and *inside* another one, `within`,
 * when that one's build makes it along the way. Only step-graph.ts changes what it is and whom it knows; ready-lines.ts
 * keeps its place in line.
 */
export interface Step {
  readonly drvPath: DerivationPath;
  readonly system: string;
  readonly requiredFeatures: readonly string[];
  /** The order of arrival. */
  readonly age: number;
  readonly expectedMs: number;
  needs: Neighbours;
  neededBy: Neighbours;
  jobs: readonly GraphJob[];
  /** Itself for a step. */
  within: Step;
  /** How many needs, its own and those inside it, are steps that are still here, and how many taken ones guard it. */
  pending: number;
  /** A builder has it, or its next try waits. */
  isTaken: boolean;
  isGone: boolean;
  /** Steps that are built along the way while this one is taken: they wait until it is back. */
  guards: ReadonlySet<Step> | undefined;
  /** One of the taken steps that it waits for. */
  guardedBy: Step | undefined;
  claims: ClaimSet;
  /** The longest way through the steps that need it, itself not counted. */
  aboveMs: number;
  /** 0 when nobody asked for it to be first. */
  bumpedAt: number;
  spoiledCount: number;
  wasDispatched: boolean;
  /** Where it stands in line; undefined while it is not ready. */
  place: Place | undefined;
  /** Names of builders that have outputs of its needs, once for each. */
  foundAt: readonly string[];
  /** Names of builders where a try of it was spoiled. */
  spoiledAt: readonly string[];
}

/** Given out by itself, not inside another. */
export function isStep(step: Step): boolean {
  return step.within === step;
}

/** The longest way from its beginning to the end of all that needs it. What is inside another costs nothing of its own. */
export function pathOf(step: Step): number {
  return step.aboveMs + (isStep(step) ? step.expectedMs : 0);
}

export function noNeighbours(): Neighbours {
  return NO_NEIGHBOURS;
}

export function withNeighbour(set: Neighbours, step: Step): Neighbours {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made right here; readonly for everybody else
  return set === NO_NEIGHBOURS ? new Set([step]) : (set as Set<Step>).add(step);
}

export function withoutNeighbour(set: Neighbours, step: Step): Neighbours {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above; of the one that all share, nothing is taken
  (set as Set<Step>).delete(step);
  return set.size === 0 ? NO_NEIGHBOURS : set;
}
