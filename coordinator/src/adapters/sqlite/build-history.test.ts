import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AT, openStores } from '../../../test/store-fixture.ts';
import type { BuildHistory } from '../../ports/build-history.ts';
import { createBuildHistory } from './build-history.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
let history: BuildHistory;
beforeEach(async () => {
  stores = await openStores();
  history = createBuildHistory(stores.database);
});
afterEach(async () => {
  await stores.close();
});

const later = (days: number): EpochMs => (AT + days * 86_400_000) as EpochMs;

test('what was never built is not known, and nothing has no mean', () => {
  expect(history.expectedMs(['hello-1.0'])).toEqual(new Map());
  expect(history.averageMs()).toBeUndefined();
});

test('the first time is what is expected, and the mean of a few is their mean', async () => {
  await history.record([{ name: 'hello', tookMs: 100.4 }], AT);
  expect(history.expectedMs(['hello', 'other'])).toEqual(new Map([['hello', 100]]));

  await history.record(
    [
      { name: 'hello', tookMs: 200 },
      { name: 'hello', tookMs: 300 },
      { name: 'other', tookMs: 1_000 },
    ],
    AT,
  );

  expect(history.expectedMs(['hello', 'other'])).toEqual(
    new Map([
      ['hello', 200],
      ['other', 1_000],
    ]),
  );
  expect(history.averageMs()).toBe(600);
});

test('what became slower is known for it after some builds, whatever its past', async () => {
  await history.record(
    Array.from({ length: 200 }, () => ({ name: 'kernel', tookMs: 1_000 })),
    AT,
  );

  await history.record(
    Array.from({ length: 10 }, () => ({ name: 'kernel', tookMs: 10_000 })),
    AT,
  );

  expect(history.expectedMs(['kernel']).get('kernel')).toBeGreaterThan(8_500);
});

test('names are values, whatever they look like', async () => {
  const odd = `it's "quoted", 100% \\ ü`;
  await history.record([{ name: odd, tookMs: 7 }], AT);

  expect(history.expectedMs([odd, '[]', '1'])).toEqual(new Map([[odd, 7]]));
});

test('what was not built for long is forgotten, more than one piece of it too', async () => {
  const names = Array.from({ length: 2_500 }, (_, at) => `old-${at}`);
  await history.record(
    names.map((name) => ({ name, tookMs: 1 })),
    AT,
  );
  await history.record([{ name: 'young', tookMs: 1 }], later(100));
  await history.record([{ name: 'old-7', tookMs: 1 }], later(100));

  expect(await history.prune(later(1))).toBe(2_499);

  expect([...history.expectedMs([...names, 'young']).keys()].toSorted()).toEqual(['old-7', 'young']);
  expect(await history.prune(later(1))).toBe(0);
});
