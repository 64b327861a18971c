/** Follows one evaluation from push to end, by its events where they come, and by looking now and then where not. */
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import { systemClock } from '@argunix/shared/kit/clock';
import type { ApiClient } from './api-client.ts';

export interface Snapshot {
  readonly evaluation: EvaluationView;
  readonly jobs: readonly JobView[];
}

export interface FollowOptions {
  readonly api: ApiClient;
  readonly repository: string;
  readonly sha: string;
  readonly deadlineMs: number;
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly signal: AbortSignal;
}

// Between two looks: short enough to seem live without any event, and never more often than the eye can follow.
const LOOK_MS = 500;
const PAUSE_MS = 80;

export async function followEvaluation(options: FollowOptions): Promise<Snapshot> {
  const { api, repository, sha, deadlineMs, onSnapshot, signal } = options;
  const over = new AbortController();
  const deadline = AbortSignal.timeout(deadlineMs);
  const until = AbortSignal.any([signal, deadline, over.signal]);
  let wake = new AbortController();
  // Without the stream it goes on by looking.
  const listening = api.onChange(() => wake.abort(), until).catch(() => undefined);
  try {
    for (;;) {
      wake = new AbortController();
      const found = await api.findEvaluation(repository, sha);
      if (found !== undefined) {
        // Jobs after the evaluation: when it has ended, they have.
        const snapshot = { evaluation: found, jobs: await api.jobs(found.id) };
        onSnapshot(snapshot);
        if (isEvaluationEnded(found.status)) {
          return snapshot;
        }
      }
      await systemClock.sleep(LOOK_MS, AbortSignal.any([until, wake.signal]));
      await systemClock.sleep(PAUSE_MS, until);
      signal.throwIfAborted();
      if (deadline.aborted) {
        throw new Error(
          found === undefined
            ? 'the push was never evaluated'
            : `the evaluation is still ${found.status}; ${api.absolute(found.url)} says why`,
        );
      }
    }
  } finally {
    over.abort();
    await listening;
  }
}
