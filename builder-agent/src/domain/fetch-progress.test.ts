import { expect, test } from 'vitest';
import { createFetchTally } from './fetch-progress.ts';

test('fetches that run side by side are counted together, and what is expected besides', () => {
  const tally = createFetchTally();
  tally.expect(1_000);
  tally.begin('a', 'copying a');
  tally.moved('a', 100, 300);
  tally.begin('b', 'copying b');
  tally.moved('b', 50, 200);

  expect(tally.now()).toEqual({ bytesDone: 150, bytesTotal: 1_000, text: 'copying b' });
});

test('what ended stays counted, in the next row too', () => {
  const tally = createFetchTally();
  tally.begin('a', '');
  tally.moved('a', 300, 300);
  tally.end('a');
  tally.close();
  tally.begin('b', '');
  tally.moved('b', 1, 10);

  expect(tally.now()).toEqual({ bytesDone: 301, bytesTotal: 310, text: '' });
});

test('what moves without having begun is nothing of ours', () => {
  const tally = createFetchTally();
  tally.moved('builds', 3, 5);

  expect(tally.now().bytesDone).toBe(0);
});
