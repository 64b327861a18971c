import { expect, test } from 'vitest';
import { judgeSilence } from './silence.ts';

const BEAT = 5_000;

test('twelve heartbeats of silence are borne, more are not', () => {
  expect(judgeSilence({ heardAt: 0, lookedAt: 55_000 }, 60_000, BEAT).isDead).toBe(false);
  expect(judgeSilence({ heardAt: 0, lookedAt: 60_000 }, 60_001, BEAT).isDead).toBe(true);
});

test('after a sleep it listens for two heartbeats before it gives up', () => {
  const woken = judgeSilence({ heardAt: 0, lookedAt: 0 }, 3_600_000, BEAT);
  expect(woken).toMatchObject({ isDead: false, hasSlept: true });

  const soon = judgeSilence(woken.next, 3_610_000, BEAT);
  expect(soon.isDead).toBe(false);
  expect(judgeSilence(soon.next, 3_610_001, BEAT).isDead).toBe(true);
});

test('a sleep makes nothing of what was heard just before', () => {
  const { next } = judgeSilence({ heardAt: 99_000, lookedAt: 60_000 }, 100_000, BEAT);

  expect(next.heardAt).toBe(99_000);
});
