import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import type { Dispatcher } from '../../src/flows/dispatch-steps.ts';
import { finishEvaluation } from '../../src/flows/finish-evaluation.ts';
import type { Stores } from '../store-fixture.ts';
import { createFakeChanges } from './changes.ts';
import { createFakeRoots } from './fake-store.ts';
import { silentMetrics } from './silent-metrics.ts';

export interface FakeDispatcher extends Pick<Dispatcher, 'adopt' | 'takeOver' | 'forget'> {
  readonly adopted: EvaluationId[];
  readonly forgotten: JobId[];
}

/** Builds nothing. It notes what it is asked, and finishes evaluations of which every job has ended, as the real one does. */
export function createFakeDispatcher(stores: Stores): FakeDispatcher {
  const ports = {
    ...stores,
    roots: createFakeRoots(),
    changes: createFakeChanges(),
    clock: systemClock,
    log: silentLogger,
    metrics: silentMetrics,
    retryMs: 1,
  };
  const adopted: EvaluationId[] = [];
  const forgotten: JobId[] = [];
  const finish = (id: EvaluationId): Promise<void> =>
    finishEvaluation(ports, id, new AbortController().signal);
  const adopt = async (id: EvaluationId): Promise<void> => {
    adopted.push(id);
    await finish(id);
  };
  return {
    adopted,
    forgotten,
    adopt,
    takeOver: (id) => void adopt(id),
    forget: async (id, jobs) => {
      forgotten.push(...jobs.map(({ jobId }) => jobId));
      await finish(id);
    },
  };
}
