/** What the queue looks like at one moment, for whoever shows it. Plain data; nothing of it changes afterwards. */
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { JobId, LeaseId, RepositoryId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { BuilderOffer } from './builder-offer.ts';

/** Why a job does not run. */
export interface Waiting {
  readonly kind: /** Something it needs is not built yet. */
    | 'needs'
    /** All who could build it are busy. */
    | 'busy'
    /** Nobody who could build it is there now. */
    | 'absent'
    /** Infrastructure spoiled it, and its next try is not due. */
    | 'resting'
    /** It is next: a builder is about to get it. */
    | 'next';
  /** One sentence a person can act on. */
  readonly sentence: string;
  /** When waiting ends by itself: the next try, or giving up; null where nothing is due. */
  readonly until: EpochMs | null;
  /** What it waits for, at most ten of them; empty unless `kind` is `needs`. */
  readonly needs: readonly { readonly drvPath: DerivationPath; readonly jobIds: readonly JobId[] }[];
}

/** A step that a builder has. */
export interface RunningStep {
  readonly drvPath: DerivationPath;
  readonly leaseId: LeaseId;
  readonly builder: string;
  /** Undefined until its own builder process began. */
  readonly startedAt: EpochMs | undefined;
  /** No job names it; jobs need it. */
  readonly isInternal: boolean;
  /** Jobs that want it, or, for an internal one, that need it: at most ten. */
  readonly jobIds: readonly JobId[];
  readonly jobCount: number;
}

/** A step that could be built now, in the order in which steps are given out. */
export interface ReadyStep {
  readonly drvPath: DerivationPath;
  readonly isInternal: boolean;
  readonly isBumped: boolean;
  /** At whose expense it will be built. */
  readonly repositoryId: RepositoryId;
  readonly jobIds: readonly JobId[];
  readonly jobCount: number;
  readonly readySince: EpochMs;
}

/** Ready steps that the same builders can take. */
export interface QueueLine {
  readonly system: string;
  readonly requiredFeatures: readonly string[];
  readonly isTrusted: boolean;
  readonly ready: number;
  readonly oldestReadySince: EpochMs;
  /** Why the first of them does not run. */
  readonly sentence: string;
  /** Connected builders that could take them. */
  readonly builders: readonly string[];
}

export interface RepositoryShare {
  readonly repositoryId: RepositoryId;
  readonly weight: number;
  /** Of its steps. */
  readonly ready: number;
  readonly running: number;
  /** Recent build time charged to it. */
  readonly chargedMs: number;
}

export interface BuilderState {
  readonly name: string;
  readonly offer: BuilderOffer;
  readonly state: 'ready' | 'quarantined' | 'absent';
  readonly slotsUsed: number;
  /** Its work waits for it without end. */
  readonly isExpectedOffline: boolean;
  /** Why it takes nothing new. */
  readonly pause: string | null;
  /** For `absent`: since when. */
  readonly leftAt: EpochMs | null;
  /** For `quarantined`: repeated trouble, and when it is tried again. */
  readonly quarantine: {
    readonly since: EpochMs;
    readonly until: EpochMs;
    readonly failures: number;
    readonly reason: string;
  } | null;
}

export interface QueueSnapshot {
  readonly counts: {
    /** Could be built now. */
    readonly ready: number;
    /** Need another step first. */
    readonly waiting: number;
    readonly running: number;
    /** Of all of these, those that no job names. */
    readonly internal: number;
  };
  readonly lines: readonly QueueLine[];
  readonly shares: readonly RepositoryShare[];
  readonly running: readonly RunningStep[];
  /** The first of those that are ready. */
  readonly next: readonly ReadyStep[];
}
