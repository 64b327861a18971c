import { expect, it } from 'vitest';
import { compare, isMet, sample, toFigure } from './figure.ts';

it('tells the median and the distance between the extremes', () => {
  expect(toFigure({ name: 'n', unit: 'ms', samples: [9, 1, 4, 2, 3] })).toEqual({
    name: 'n',
    unit: 'ms',
    value: 3,
    spread: 8,
    target: null,
  });
  expect(toFigure({ name: 'n', unit: 'ms', samples: [1, 2, 3, 4] }).value).toBe(2.5);
});

it('p99 looks near the top of many samples', () => {
  const samples = Array.from({ length: 101 }, (_, index) => index);

  expect(toFigure({ name: 'n', unit: 'ms', samples, statistic: 'p99' }).value).toBe(99);
});

it('a target is a bound from its side, and what is no number meets none', () => {
  expect(isMet(toFigure({ name: 'n', unit: 'ms', samples: [5], atMost: 5 }))).toBe(true);
  expect(isMet(toFigure({ name: 'n', unit: 'ms', samples: [5.1], atMost: 5 }))).toBe(false);
  expect(isMet(toFigure({ name: 'n', unit: '/s', samples: [4.9], atLeast: 5 }))).toBe(false);
  expect(isMet(toFigure({ name: 'n', unit: '/s', samples: [Number.NaN], atLeast: 0 }))).toBe(false);
});

it('warm-ups are run and not counted', async () => {
  let turns = 0;

  const samples = await sample(() => (turns += 1), { runs: 5, warmUps: 2 });

  expect(samples).toEqual([3, 4, 5, 6, 7]);
});

it('runs two things in turn and compares each pair', async () => {
  const order: string[] = [];
  const times = { ours: [6, 6, 8], theirs: [3, 2, 4] };

  const { ratios } = await compare(
    () => (order.push('ours'), times.ours.shift() ?? 0),
    () => (order.push('theirs'), times.theirs.shift() ?? 0),
    { runs: 2, warmUps: 1 },
  );

  expect(order).toEqual(['ours', 'theirs', 'ours', 'theirs', 'ours', 'theirs']);
  expect(ratios).toEqual([3, 2]);
});
