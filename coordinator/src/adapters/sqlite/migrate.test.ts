/** Each migration on a database of the schema before it, with rows in every table. */
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { AT } from '../../../test/store-fixture.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';

const ROWS_OF_FIRST_TABLES = [
  "insert into repositories values (1, 'here', 'a/b', 'git', 'refs/heads/main', null, 5, 1)",
  "insert into heads values (1, 'refs/heads/main', 'aa', 5)",
  `insert into evaluations values
    (1, 1, 'push', 'refs/heads/main', null, 'aa', 'aa', 1, null, 'done', 'failure', null, '{"failure":1}', 1, 2, 3, 4),
    (2, 1, 'restart', 'refs/heads/main', null, 'aa', 'aa', 1, 1, 'building', null, null, null, 5, 6, 7, null)`,
  "insert into deliveries values (1, 1, 'push', 'refs/heads/main', 'aa', 1, 1, 1, 'accepted', 1)",
  "insert into leases values (1, '/nix/store/x.drv', 'local', 'ended', 'failed', 1, 2)",
  `insert into jobs values
    (1, 1, 'packages.a', 'x86_64-linux', 'a', '/nix/store/x.drv', '{}', '[]', null, null, 'failure', null, 'no', 2, null, 1, 'local', 1, 1, 2, 3),
    (2, 2, 'packages.a', 'x86_64-linux', 'a', '/nix/store/x.drv', '{}', '[]', null, null, 'queued', null, null, 1, null, null, null, 5, 5, null, null)`,
  "insert into attempts values (1, 1, 'error', 'host', 1, 'local', 1, 2)",
  "insert into check_posts values (1, 1, 'aa', 'argunix: evaluation', 'pending', 'd', 'u', 1, 0, 1, null)",
];
const TABLES = [
  'repositories',
  'heads',
  'evaluations',
  'deliveries',
  'leases',
  'jobs',
  'attempts',
  'check_posts',
];

test('0002 keeps every row of the first tables, and every reference of one to another', async () => {
  const database = new Database(':memory:');
  database.pragma('foreign_keys = ON');
  await migrate(database, AT, MIGRATIONS.slice(0, 1));
  for (const row of ROWS_OF_FIRST_TABLES) {
    database.exec(row);
  }
  const dump = (): unknown => TABLES.map((table) => database.prepare(`select * from ${table}`).all());
  const before = dump();

  await migrate(database, AT, MIGRATIONS.slice(0, 2));

  expect(dump()).toEqual(before);
  expect(before).not.toContainEqual([]);
  expect(database.pragma('integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  expect(database.pragma('foreign_key_check')).toEqual([]);
  database.close();
});

test('a program that knows only the first tables can use a database that went through 0002', async () => {
  const database = new Database(':memory:');
  await migrate(database, AT, MIGRATIONS.slice(0, 2));

  await expect(migrate(database, AT, MIGRATIONS.slice(0, 1))).resolves.toBeUndefined();
  database.close();
});

test('migrations are numbered from 1 without a gap', () => {
  expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_, at) => at + 1));
});
