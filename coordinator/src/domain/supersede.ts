/**
 * Which evaluation gives way to which. What is pushed one after another to one request, or to one ref, has one subject.
 * Of a request only the newest counts; on a branch everything is built to its end, unless its repository drops what is
 * superseded; a tag is never superseded.
 *
 * Newest is what was delivered last, not what was handled last: an evaluation of an older delivery gives way as soon as
 * it is made. A restart stands where its origin stands, but gives way only to what was made after it: whoever restarts
 * an old evaluation, or jobs of it, wants it built, though a newer one is there.
 */
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { Trigger } from '@argunix/shared/domain/evaluation-status';
import { type GitRef, isBranch, shortRef } from '@argunix/shared/domain/git-ref';
import type { DeliveryId, EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';

export interface Subject {
  readonly repositoryId: RepositoryId;
  readonly ref: GitRef;
  /** Null: pushes to `ref`. Else the request is the subject, whatever branch it is to be merged into. */
  readonly prNumber: number | null;
}

export interface Contender {
  readonly id: EvaluationId;
  readonly trigger: Trigger;
  /** What it was made from; for a restart, what its origin was made from. Null when nobody knows any more. */
  readonly deliveryId: DeliveryId | null;
  readonly createdAt: EpochMs;
  /** When a job of it that has not ended was last restarted. */
  readonly restartedAt: EpochMs | null;
}

export function isSuperseding({ ref, prNumber }: Subject, dropsSuperseded: boolean): boolean {
  return prNumber !== null || (dropsSuperseded && isBranch(ref));
}

/** The one that the others give way to: what was pushed last, whatever became of it. */
export function successorOf(contenders: readonly Contender[]): Contender | undefined {
  return contenders
    .filter(({ trigger, deliveryId }) => deliveryId !== null && isPush(trigger))
    .toSorted((one, other) => (other.deliveryId ?? 0) - (one.deliveryId ?? 0))
    .at(0);
}

export function givesWay(older: Contender, successor: Contender): boolean {
  const isDeliveredBefore = (older.deliveryId ?? 0) < (successor.deliveryId ?? 0);
  const isWantedSince = older.restartedAt !== null && older.restartedAt >= successor.createdAt;
  return isDeliveredBefore && !isWantedSince && (isPush(older.trigger) || older.id < successor.id);
}

/** What a person triggers or restarts takes nobody's place. */
function isPush(trigger: Trigger): boolean {
  return trigger === 'push' || trigger === 'pull_request';
}

/** Equal for equal subjects. */
export function subjectKey({ repositoryId, ref, prNumber }: Subject): string {
  return `${repositoryId} ${prNumber ?? ref}`;
}

/** Why it ended, or what of it was dropped. */
export function tookItsPlace({ prNumber, ref }: Subject, successor: EvaluationId): string {
  return prNumber === null
    ? `Evaluation ${successor}, of a newer push to ${shortRef(ref)}, took its place.`
    : `Evaluation ${successor}, of request ${prNumber} as it is now, took its place.`;
}
