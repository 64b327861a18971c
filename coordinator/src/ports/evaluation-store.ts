import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationOutcome, EvaluationStatus, Trigger } from '@argunix/shared/domain/evaluation-status';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { JobStatus } from '@argunix/shared/domain/job-status';
import type { Sha } from '@argunix/shared/domain/sha';
import type { Login } from '../domain/forge-event.ts';
import type { JobAttempt } from '../domain/job-attempt.ts';
import type { Delivery } from './delivery-store.ts';
import type { ReuseKeys } from './reuse-store.ts';

export interface Evaluation {
  readonly id: EvaluationId;
  readonly repositoryId: RepositoryId;
  readonly trigger: Trigger;
  readonly ref: GitRef;
  /** Of the request that it is of. */
  readonly prNumber: number | null;
  readonly sha: Sha;
  /** Of a request, the merge into its base where the forge has one; else the same as `sha`. */
  readonly builtSha: Sha;
  /** Where git finds `builtSha`; null: at `ref`. Of a request, null until it is known what is to be built. */
  readonly builtRef: GitRef | null;
  /** Of a request: logins at the forge. */
  readonly author: Login | null;
  readonly pusher: Login | null;
  readonly awaits: 'forge' | 'approval' | null;
  readonly isTrusted: boolean;
  readonly status: EvaluationStatus;
  readonly outcome: EvaluationOutcome | null;
  /** Why it is as it is, for people. */
  readonly reason: string | null;
  /** One that builds and has this is being dropped: it starts nothing more and ends as superseded. */
  readonly supersededBy: EvaluationId | null;
  readonly createdAt: EpochMs;
  readonly buildingAt: EpochMs | null;
}

export interface QueuedEvaluation extends Evaluation {
  /** Of the branch that is its repository's default now. */
  readonly isOfDefaultBranch: boolean;
}

export type StatusCounts = Readonly<Record<JobStatus, number>>;

/** Every transition is one guarded transaction; false means that the evaluation was not in the state it leaves. */
export interface EvaluationStore {
  find(id: EvaluationId): Evaluation | undefined;
  /** In any of `statuses`, oldest first. */
  living(statuses: readonly EvaluationStatus[]): readonly Evaluation[];
  /** Those that are `queued`, oldest first. */
  queued(): readonly QueuedEvaluation[];
  /** The newest that was made from a delivery like this one, in whatever state; null: of whatever trust. */
  newestLike(
    delivery: Pick<Delivery, 'repositoryId' | 'kind' | 'ref' | 'prNumber' | 'sha'> & {
      readonly isTrusted: boolean | null;
    },
  ): Evaluation | undefined;
  /** No later one was made from a delivery of the same ref, or of the same request. */
  isNewestOfSubject(evaluation: Evaluation): boolean;
  counts(id: EvaluationId): StatusCounts;
  /** Those of one revision of a repository, in whatever state, oldest first. */
  ofRevision(repositoryId: RepositoryId, sha: Sha): readonly Evaluation[];
  /** Those whose forge has not been told of their end, oldest first; also all that live. */
  unreported(): readonly Evaluation[];

  /** awaiting_approval → queued, from now on trusted; `by` says who or what made it so. */
  approve(id: EvaluationId, by: string): Promise<boolean>;
  /**
   * Stays awaiting_approval: what it awaits now, and the sentence for people. False also when it became known meanwhile
   * who pushed its head: what was found out was found out for `pusher`.
   */
  hold(
    id: EvaluationId,
    awaits: 'forge' | 'approval',
    reason: string,
    pusher: Login | null,
  ): Promise<boolean>;
  /** Stays awaiting_approval: who pushed its head is known now, and the forge is to be asked. */
  identify(id: EvaluationId, pusher: Login): Promise<boolean>;
  /** Of one that is queued: what is to be built. */
  setBuilt(id: EvaluationId, built: { readonly sha: Sha; readonly ref: GitRef }): Promise<boolean>;
  /** queued → evaluating, to be found by these keys. What an interrupted try had found is forgotten. */
  begin(id: EvaluationId, at: EpochMs, keys?: ReuseKeys): Promise<boolean>;
  /** evaluating → building. */
  startBuilding(id: EvaluationId, at: EpochMs): Promise<boolean>;
  /** evaluating → evaluation_failed, what it had found and not built → cancelled. */
  fail(id: EvaluationId, reason: string, at: EpochMs): Promise<boolean>;
  /** evaluating → queued: the program or the host was at fault, not the flake; `reason` says so while it waits. */
  requeue(id: EvaluationId, reason: string | null): Promise<boolean>;
  /** Any living state → cancelled or superseded, its unfinished jobs → cancelled. Returns those jobs; undefined when it had ended. */
  end(
    id: EvaluationId,
    ending: 'cancelled' | { readonly supersededBy: EvaluationId },
    reason: string,
    at: EpochMs,
  ): Promise<readonly JobAttempt[] | undefined>;
  /**
   * One that builds: its queued jobs → cancelled, those that run go on. With a successor it will end as superseded.
   * Returns those jobs; undefined when it does not build, or has a successor already and this is one more.
   */
  dropQueued(
    id: EvaluationId,
    supersededBy: EvaluationId | null,
    reason: string,
    at: EpochMs,
  ): Promise<readonly JobAttempt[] | undefined>;
  /** building → done, or superseded when it has a successor; false also while a job has not ended. */
  finish(id: EvaluationId, outcome: EvaluationOutcome, counts: StatusCounts, at: EpochMs): Promise<boolean>;
  /**
   * A new evaluation of the same revision, `restart_of` this one; undefined when this one has not ended. What nobody
   * vouched for waits for that again.
   */
  restart(id: EvaluationId, at: EpochMs): Promise<EvaluationId | undefined>;
}
