import { setImmediate as turn } from 'node:timers/promises';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { expect, test } from 'vitest';
import { createManualClock } from '../../test/fakes/manual-clock.ts';
import { createCloserLooks } from './closer-looks.ts';

const BUSY = 1 as RepositoryId;
const CALM = 2 as RepositoryId;

test('the first comes at once, those of one repository ten seconds apart, and none waits for another repository', async () => {
  const clock = createManualClock(toEpochMs(0), async () => {
    for (let at = 0; at < 5; at += 1) {
      await turn();
    }
  });
  const looks: (readonly [number, number])[] = [];
  const lookCloser = createCloserLooks({
    poke: (id) => looks.push([id, clock.now()]),
    start: (run) => void run(),
    clock,
    signal: new AbortController().signal,
  });

  for (let second = 0; second < 25; second += 1) {
    lookCloser(BUSY);
    if (second === 4) {
      lookCloser(CALM);
    }
    await clock.advance(1_000);
  }
  await clock.advance(60_000);

  expect(looks).toEqual([
    [BUSY, 0],
    [CALM, 4_000],
    [BUSY, 10_000],
    [BUSY, 20_000],
    [BUSY, 30_000],
  ]);
});
