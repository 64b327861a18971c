import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId, RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import type { CheckState } from './forge.ts';

/** One line below a revision at its forge, as it is to be. */
export interface WantedCheck {
  readonly context: string;
  /** Whose it is. */
  readonly evaluationId: EvaluationId;
  readonly jobId: JobId | null;
  readonly state: CheckState;
  readonly description: string;
  readonly url: string;
}

export interface StandingCheck extends Omit<WantedCheck, 'evaluationId' | 'jobId'> {
  /** Null when the evaluation is gone. */
  readonly evaluationId: EvaluationId | null;
  readonly jobId: JobId | null;
}

export interface DueCheck extends StandingCheck {
  readonly id: number;
  readonly repositoryId: RepositoryId;
  readonly sha: Sha;
  readonly version: number;
  readonly handle: string | null;
  /** How often the forge refused this for what it is. */
  readonly refusals: number;
  readonly changedAt: EpochMs;
}

export interface Backlog {
  readonly forge: string;
  readonly count: number;
  readonly oldestAt: EpochMs;
}

/**
 * The outbox: one row for each (repository, sha, context), which says what the forge is to show and what it was last
 * told. A change that comes before the one before it was told takes its place, so nothing is ever told out of order.
 */
export interface CheckStore {
  of(repositoryId: RepositoryId, sha: Sha): readonly StandingCheck[];
  /** From now on these are to be shown. With them is kept that `reported` need not be looked at again, if they have ended. */
  want(
    repositoryId: RepositoryId,
    sha: Sha,
    checks: readonly WantedCheck[],
    reported: readonly EvaluationId[],
    at: EpochMs,
  ): Promise<void>;
  /** What a forge is to be told now, verdicts before what is pending, the evaluation before its jobs. */
  due(forge: string, now: EpochMs, limit: number): readonly DueCheck[];
  /** This one, when it is due now. */
  findDue(id: number, now: EpochMs): DueCheck | undefined;
  /** When the next one is due that is not yet; undefined when there is none. */
  nextDueAt(forge: string, now: EpochMs): EpochMs | undefined;
  /** The forge was told what was to be shown at `version`. */
  posted(id: number, version: number, handle: string | null, at: EpochMs): Promise<void>;
  /** It stays, to be tried again: unless it is to say something else by now, which is due at once. */
  postpone(
    id: number,
    version: number,
    what: {
      readonly until: EpochMs;
      readonly trouble: string;
      readonly refusals: number;
    },
  ): Promise<void>;
  /** The forge will not take it: not tried again until something else is to be shown. */
  abandon(id: number, version: number, trouble: string): Promise<void>;
  backlog(): readonly Backlog[];
}
