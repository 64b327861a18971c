import type { JobId } from '@argunix/shared/domain/ids';
import type { BuilderState, QueueSnapshot, Waiting } from '../domain/queue-snapshot.ts';

/** What can be asked of the queue, at any time and for little. */
export interface Queue {
  /** Why a queued job does not run; undefined for one that runs, has ended, or whose evaluation does not build yet. */
  why(jobId: JobId): Waiting | undefined;
  /** `next`: how many of the ready steps are listed. */
  snapshot(next: number): QueueSnapshot;
  builders(): readonly BuilderState[];
  /** These, and what they need, go to the front; the newest wish is the first. Nothing for what does not wait. */
  bump(jobIds: readonly JobId[]): void;
}
