import { LIVING_STATUSES } from '@argunix/shared/domain/evaluation-status';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import {
  givesWay,
  isSuperseding,
  type Subject,
  subjectKey,
  successorOf,
  tookItsPlace,
} from '../domain/supersede.ts';
import type { ContenderStore } from '../ports/contender-store.ts';
import { type CancelPorts, cancelEvaluation } from './cancel-evaluation.ts';
import { dropQueued } from './drop-queued.ts';

export interface SupersedePorts extends CancelPorts {
  readonly contenders: ContenderStore;
  /** Whether the pushes to a branch of this repository drop what is left of the one before. */
  dropsSuperseded(repositoryId: RepositoryId): boolean;
}

/**
 * Ends the evaluations of `subject` that a newer one has taken the place of. It goes by what is stored, so it may be
 * called at any time, and again after a crash.
 */
export async function supersedeOlder(ports: SupersedePorts, subject: Subject): Promise<void> {
  if (!isSuperseding(subject, ports.dropsSuperseded(subject.repositoryId))) {
    return;
  }
  const contenders = ports.contenders.of(subject);
  const successor = successorOf(contenders);
  if (successor === undefined) {
    return;
  }
  const reason = tookItsPlace(subject, successor.id);
  // What nobody will look at any more of a request is stopped; of a branch, what runs has a result of its own.
  const end = subject.prNumber === null ? dropQueued : cancelEvaluation;
  for (const { id } of contenders.filter((older) => givesWay(older, successor))) {
    await end(ports, id, reason, successor.id);
  }
}

/** At the start, before anything goes on: a crash may have come between a new evaluation and the end of the older ones. */
export async function supersedeLeftovers(ports: SupersedePorts): Promise<void> {
  const living = ports.evaluations.living(LIVING_STATUSES);
  const subjects = new Map(living.map((evaluation) => [subjectKey(evaluation), evaluation]));
  for (const subject of subjects.values()) {
    await supersedeOlder(ports, subject);
  }
}
