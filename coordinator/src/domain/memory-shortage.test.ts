import type { AttributePath } from '@argunix/shared/domain/attribute-path';
import { expect, test } from 'vitest';
import { judgeShortage } from './memory-shortage.ts';

const GIB = 2 ** 30;
const big = 'packages.x86_64-linux.big' as AttributePath;

test('one that had less than the budget is tried again, and says with what', () => {
  expect(judgeShortage({ memoryBytes: 4 * GIB, budgetBytes: 8 * GIB, attrs: [big] })).toEqual({
    kind: 'again',
    reason:
      'It ran out of 4 GiB while evaluating packages.x86_64-linux.big; it is tried once more alone with the whole 8 GiB.',
  });
});

test('one that had the whole budget has failed, and says what it was and what may be raised', () => {
  expect(judgeShortage({ memoryBytes: 8 * GIB, budgetBytes: 8 * GIB, attrs: [big] })).toEqual({
    kind: 'failed',
    reason:
      'It ran out of memory while evaluating packages.x86_64-linux.big, alone and with the whole 8 GiB. Raise eval.memory_budget where the host has more, or make what is evaluated smaller.',
  });
});

test('of many, five are named; where none is known, it was the flake', () => {
  const many = ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as readonly string[] as readonly AttributePath[];

  expect(judgeShortage({ memoryBytes: 1, budgetBytes: 1, attrs: many }).reason).toContain(
    'evaluating a, b, c, d, e and 2 more, alone',
  );
  expect(judgeShortage({ memoryBytes: 1, budgetBytes: 1, attrs: [] }).reason).toContain(
    'evaluating the flake, alone',
  );
});
