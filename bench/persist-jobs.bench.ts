import { monitorEventLoopDelay } from 'node:perf_hooks';
import { AT, newJob, openStores, queued } from '../coordinator/test/store-fixture.ts';
import { type Bench, sample, toFigure } from './figure.ts';

const JOBS = 50_000;
// As an evaluator hands them over: batches of 200, several of them not yet durable.
const BATCH = 200;
const BATCHES_IN_FLIGHT = 8;

export const bench: Bench = {
  about: '50,000 jobs into a database file, synchronous=FULL, in batches of 200 with eight under way',
  async *run() {
    const stores = await openStores();
    const id = await queued(stores);
    await stores.evaluations.begin(id, AT);
    const delays: number[] = [];
    let found = 0;
    const insertBatch = (): Promise<boolean> => {
      const jobs = Array.from({ length: BATCH }, () => newJob(`packages.x86_64-linux.p${found++}`));
      return stores.jobs.insert(id, jobs, AT);
    };
    const rates = await sample(async () => {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const startedAt = performance.now();
      for (let stored = 0; stored < JOBS; stored += BATCH * BATCHES_IN_FLIGHT) {
        await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, insertBatch));
      }
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
