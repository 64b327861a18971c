import { expect, it } from 'vitest';
import { toFilter } from './test-filter.ts';

const FILES = ['scripts/bin.test.ts', 'coordinator/src/domain/lease.test.ts'];

it('is the files whose path has the pattern, and no others', () => {
  expect(toFilter('coordinator/', FILES)).toEqual({ args: [FILES[1]], title: undefined });
});

it('is a title where no file has it, with nothing special in it', () => {
  expect(toFilter('a late report (again)', FILES)).toEqual({
    args: ['-t', 'a late report \\(again\\)'],
    title: 'a late report (again)',
  });
});
