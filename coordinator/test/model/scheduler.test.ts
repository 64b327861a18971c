/**
 * Random lives of a scheduler, compared after every move with a model that recounts everything. A failure prints its seed
 * for MODEL_SEED; MODEL_RUNS asks for more lives, MODEL_SHRINK=1 for the shortest that fails.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Life } from './scheduler-life.ts';
import { scenario } from './scheduler-moves.ts';

const { MODEL_RUNS = '300', MODEL_SEED, MODEL_SHRINK } = process.env;

test('whatever happens, it gives out the right step, to whom may have it, and everything ends', {
  timeout: 3_600_000,
}, () => {
  const report = fc.check(
    fc.property(scenario, (some) => new Life(some).live()),
    {
      numRuns: Number(MODEL_RUNS),
      endOnFailure: MODEL_SHRINK !== '1',
      ...(MODEL_SEED === undefined ? {} : { seed: Number(MODEL_SEED) }),
    },
  );

  const cause = report.errorInstance instanceof Error ? report.errorInstance.stack : '';
  expect(report.failed ? `${cause}\n${fc.defaultReportMessage(report)}` : 'all agree').toBe('all agree');
});
