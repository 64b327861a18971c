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
const NEW_COLUMNS: Readonly<Record<string, object>> = {
  evaluations: { reuse_key: null, tree_key: null, reused_from: null, superseded_by: null },
  deliveries: { pr_number: null },
  leases: { charged_to: null, started_at: null },
  jobs: { bumped_at: null, earlier_job_id: null },
};

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

test('0003 keeps every row, and a delivery says which evaluation it became', async () => {
  const database = new Database(':memory:');
  database.pragma('foreign_keys = ON');
  await migrate(database, AT, MIGRATIONS.slice(0, 2));
  for (const row of [
    ...ROWS_OF_FIRST_TABLES,
    "insert into deliveries values (7, 1, 'manual', 'refs/heads/main', 'bb', 0, 8, null, null, null)",
  ]) {
    database.exec(row);
  }
  const dump = (): Record<string, unknown[]> =>
    Object.fromEntries(TABLES.map((table) => [table, database.prepare(`select * from ${table}`).all()]));
  const before = dump();

  await migrate(database, AT, MIGRATIONS.slice(0, 3));

  const after = dump();
  for (const table of TABLES) {
    expect([table, after[table]]).toEqual([
      table,
      before[table]?.map((row) => Object.assign({}, row, NEW_COLUMNS[table])),
    ]);
  }
  expect(Object.values(before)).not.toContainEqual([]);
  expect(database.pragma('integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  expect(database.pragma('foreign_key_check')).toEqual([]);
  // Numbers that were given are not given again to what refers to something else.
  const next =
    "insert into deliveries (repository_id, kind, ref, sha, is_trusted, received_at) values (1, 'push', 'r', 's', 1, 9)";
  expect(database.prepare(next).run().lastInsertRowid).toBe(8);
  // What hung on an evaluation still does.
  database.exec('delete from evaluations where id = 1');
  expect(database.prepare('select evaluation_id from deliveries where id = 1').all()).toEqual([
    { evaluation_id: null },
  ]);
  database.close();
});

test('a delivery has the number of its request after 0003, and only one of a request has it', async () => {
  const database = new Database(':memory:');
  await migrate(database, AT, MIGRATIONS.slice(0, 3));
  database.exec(ROWS_OF_FIRST_TABLES[0] ?? '');
  const insert = database.prepare(
    "insert into deliveries (repository_id, kind, ref, pr_number, sha, is_trusted, received_at) values (1, ?, 'r', ?, 's', 0, 1)",
  );

  expect(insert.run('pull_request', 4).changes).toBe(1);
  expect(() => insert.run('pull_request', null)).toThrow(/CHECK/);
  expect(() => insert.run('push', 4)).toThrow(/CHECK/);
  database.close();
});

test('a program of before 0003 refuses a database that went through it', async () => {
  const database = new Database(':memory:');
  await migrate(database, AT, MIGRATIONS.slice(0, 3));

  await expect(migrate(database, AT, MIGRATIONS.slice(0, 2))).rejects.toMatchObject({ code: 'store.newer' });
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
