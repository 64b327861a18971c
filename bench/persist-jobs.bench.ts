import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseGitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { AT, newJob, openStores, queued } from '../coordinator/test/store-fixture.ts';
import { type Bench, sample, toFigure } from './figure.ts';

const JOBS = 50_000;
// As evaluators hand them over: batches of 200, the next one when the last is durable.
const BATCH = 200;
const EVALUATIONS = 8;

export const bench: Bench = {
  about: '50,000 jobs of eight evaluations at once into a database file, synchronous=FULL, in batches of 200',
  async *run() {
    const stores = await openStores();
    const evaluations: EvaluationId[] = [];
    for (let at = 0; at < EVALUATIONS; at += 1) {
      const ref = parseGitRef(`b${at}`);
      const id = await queued(stores, String(at), ref === undefined ? {} : { ref });
      await stores.evaluations.begin(id, AT);
      evaluations.push(id);
    }
    const delays: number[] = [];
    let found = 0;
    const insertBatch = (id: EvaluationId): Promise<boolean> => {
      const jobs = Array.from({ length: BATCH }, () => newJob(`packages.x86_64-linux.p${found++}`));
      return stores.jobs.insert(id, jobs, AT);
    };
    const rates = await sample(async () => {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const startedAt = performance.now();
      let left = JOBS / BATCH;
      await Promise.all(
        evaluations.map(async (id) => {
          while (left > 0) {
            left -= 1;
            if (!(await insertBatch(id))) {
              throw new Error('expected the jobs to be stored');
            }
          }
        }),
      );
      const seconds = (performance.now() - startedAt) / 1000;
      delay.disable();
      delays.push(delay.max / 1e6);
      return JOBS / seconds;
    });
    yield toFigure({ name: 'persist-jobs', unit: 'jobs/s', samples: rates, atLeast: 50_000 });
    yield toFigure({
      name: 'persist-jobs.event-loop-delay',
      unit: 'ms',
      samples: delays,
      statistic: 'max',
      atMost: 50,
    });
    await stores.close();
  },
};
