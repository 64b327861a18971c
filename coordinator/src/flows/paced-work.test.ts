import { setImmediate as turn } from 'node:timers/promises';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { beforeEach, expect, test } from 'vitest';
import { createManualClock, type ManualClock } from '../../test/fakes/manual-clock.ts';
import { createPacedWork } from './paced-work.ts';

const PAUSE_MS = 100;

let clock: ManualClock;
let runs: number[];
let starts: number;
let gate: PromiseWithResolvers<void> | undefined;
let trouble: Error | undefined;
let ask: () => void;

beforeEach(() => {
  clock = createManualClock(toEpochMs(1_000), settled);
  runs = [];
  starts = 0;
  gate = undefined;
  trouble = undefined;
  const paced = createPacedWork({
    work: async () => {
      runs.push(clock.now());
      await gate?.promise;
      if (trouble !== undefined) {
        throw trouble;
      }
    },
    start: (run) => {
      starts += 1;
      void run().catch(() => run());
    },
    pauseMs: PAUSE_MS,
    clock,
    signal: new AbortController().signal,
  });
  ask = () => paced.ask();
});

async function settled(): Promise<void> {
  for (let at = 0; at < 5; at += 1) {
    await turn();
  }
}

function askOften(): void {
  for (let at = 0; at < 1_000; at += 1) {
    ask();
  }
}

test('the first who asks is answered at once, and all who ask before the run begins with it', async () => {
  askOften();
  await settled();

  expect([runs, starts]).toEqual([[1_000], 1]);
});

test('who asks during a run or in the pause after it is answered by one more, after the pause', async () => {
  gate = Promise.withResolvers();
  ask();
  await settled();
  askOften();
  await clock.advance(30);
  gate.resolve();
  await settled();
  askOften();
  await clock.advance(99);
  expect(runs).toEqual([1_000]);

  await clock.advance(1);

  expect([runs, starts]).toEqual([[1_000, 1_130], 2]);
  await clock.advance(10_000);
  expect(runs).toHaveLength(2);
});

test('who asks long after the last run is answered at once', async () => {
  ask();
  await clock.advance(5_000);

  ask();
  await settled();

  expect(runs).toEqual([1_000, 6_000]);
});

test('a run that failed is made again after the pause, and what was asked meanwhile with it', async () => {
  trouble = new Error('the disk is full');
  ask();
  await settled();
  trouble = undefined;
  askOften();
  await clock.advance(PAUSE_MS);

  expect(runs).toEqual([1_000, 1_100]);
});
