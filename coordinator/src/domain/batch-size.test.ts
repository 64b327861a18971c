import { expect, test } from 'vitest';
import { batchSize } from './batch-size.ts';

test('a long line of steps shares processes', () => {
  expect(batchSize(200, 2, 2)).toBe(32);
  expect(batchSize(200, 1, 2)).toBe(16);
});

test('one free slot of eight leaves what the other seven will soon have room for', () => {
  expect(batchSize(16, 1, 8)).toBe(2);
  expect(batchSize(8, 1, 8)).toBe(1);
});

test('a short line is spread over the free slots', () => {
  expect(batchSize(3, 2, 8)).toBe(2);
  expect(batchSize(1, 4, 4)).toBe(1);
});
