import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createStatementCache } from './statement-cache.ts';

test('of any number of statements, only those that were used last stay prepared', () => {
  const connection = new Database(':memory:');
  const prepared = createStatementCache(connection, 2);
  const first = prepared('select 1');
  const second = prepared('select 2');
  expect(prepared('select 1')).toBe(first);
  prepared('select 3');

  expect(prepared('select 1')).toBe(first);
  expect(prepared('select 2')).not.toBe(second);
  connection.close();
});
