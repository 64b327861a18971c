import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHeap } from './heap.ts';

test('what comes off is always the first of what is on it', () => {
  const numbers = fc.array(fc.nat(50), { maxLength: 60 });
  fc.assert(
    fc.property(numbers, numbers, fc.nat(7), (some, more, divisor) => {
      const heap = createHeap<number>((one, other) => one < other);
      let left: readonly number[] = [];
      for (const one of [...some, null, ...more]) {
        if (one === null) {
          heap.filter((kept) => kept % (divisor + 2) !== 0);
          left = left.filter((kept) => kept % (divisor + 2) !== 0);
        } else {
          heap.push(one);
          left = [...left, one];
        }
      }
      expect(heap.peek()).toBe(left.toSorted((one, other) => one - other)[0]);
      const off = Array.from({ length: heap.size }, () => heap.pop());
      expect(off).toEqual(left.toSorted((one, other) => one - other));
      expect(heap.pop()).toBeUndefined();
    }),
  );
});

test('taking the first of ten times as many compares no more than a few times more', () => {
  function comparisons(size: number): number {
    let count = 0;
    const heap = createHeap<number>((one, other) => {
      count += 1;
      return one < other;
    });
    for (let at = 0; at < size; at += 1) {
      heap.push((at * 7_919) % size);
    }
    count = 0;
    for (let taken = 0; taken < 100; taken += 1) {
      heap.push(heap.pop() ?? 0);
    }
    return count / 100;
  }

  // Two for each level down, one for each level up, and ten times as many are four levels more.
  expect(comparisons(100_000)).toBeLessThanOrEqual(comparisons(10_000) + 12);
  expect(comparisons(100_000)).toBeLessThan(60);
});
