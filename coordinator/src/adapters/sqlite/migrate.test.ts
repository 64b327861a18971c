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

const ROWS_BEFORE_FORGES = [
  "insert into repositories values (1, 'here', 'a/b', 'git', 'refs/heads/main', null, 5, 1), (2, 'work', 'a/b', 'github', null, null, null, 1)",
  "insert into heads values (1, 'refs/heads/main', 'aa', 5)",
  `insert into evaluations values
    (1, 1, 'push', 'refs/heads/main', null, 'aa', 'aa', 1, null, 'done', 'failure', null, '{"failure":1}', 1, 2, 3, 4, 'k', 't', null, null),
    (2, 1, 'restart', 'refs/heads/main', null, 'aa', 'aa', 1, 1, 'building', null, null, null, 5, 6, 7, null, 'k', null, 1, null),
    (3, 2, 'pull_request', 'refs/heads/main', 4, 'bb', 'cc', 0, null, 'superseded', null, 'why', null, 5, null, null, 6, null, null, null, 2)`,
  `insert into deliveries values
    (1, 1, 'push', 'refs/heads/main', null, 'aa', 1, 1, 1, 'accepted', 1),
    (5, 1, 'manual', 'refs/heads/main', null, 'bb', 0, 2, null, null, null),
    (7, 2, 'pull_request', 'refs/heads/main', 4, 'bb', 0, 3, 4, 'accepted', 3)`,
  "insert into leases values (1, '/nix/store/x.drv', 'local', 'ended', 'failed', 1, 2, 1, 1, 3, 4, 5, 6)",
  `insert into jobs values
    (1, 1, 'packages.a', 'x86_64-linux', 'a', '/nix/store/x.drv', '{}', '[]', null, null, 'failure', null, 'no', 2, null, 1, 'local', 1, 1, 2, 3, 4, null)`,
  "insert into attempts values (1, 1, 'error', 'host', 1, 'local', 1, 2)",
  "insert into check_posts values (1, 1, 'aa', 'argunix: evaluation', 'pending', 'd', 'u', 1, 0, 1, null)",
  "insert into failed_builds values ('/nix/store/x.drv', 1, 1, 'no', 1, 1)",
  "insert into build_times values ('x', 1, 1, 1)",
  "insert into builders values ('b', 'key', null, 1, 'token', null, null, 2, '{}', '2.8')",
  "insert into invitations values ('d', 'b', 1, 2, null)",
  "insert into spent_tokens values ('d', 1)",
];

test('0005 keeps every row but what was never told to a forge, and every reference of one to another', async () => {
  const database = new Database(':memory:');
  database.pragma('foreign_keys = ON');
  await migrate(database, AT, MIGRATIONS.slice(0, 4));
  for (const row of ROWS_BEFORE_FORGES) {
    database.exec(row);
  }
  const tables = database
    .prepare<[], { name: string }>(
      "select name from sqlite_schema where type = 'table' and name != 'migrations' order by name",
    )
    .all()
    .map(({ name }) => name);
  const dump = (): Record<string, object[]> =>
    Object.fromEntries(
      tables
        .filter((table) => table !== 'check_posts')
        .map((table) => [table, database.prepare<[], object>(`select * from ${table} order by 1`).all()]),
    );
  const before = dump();
  expect(Object.entries(before).filter(([, rows]) => rows.length === 0)).toEqual([]);

  await migrate(database, AT, MIGRATIONS.slice(0, 5));

  const added: Readonly<Record<string, object>> = {
    repositories: { is_private: null, web_url: null },
    evaluations: {
      built_ref: null,
      author: null,
      pusher: null,
      awaits: null,
      approved_by: null,
      is_reported: 1,
    },
    deliveries: { uid: null, details: null },
  };
  const origins = new Map([[5, 'person']]);
  for (const [table, rows] of Object.entries(dump())) {
    const wanted = before[table]?.map((row) => ({
      ...row,
      ...added[table],
      ...(table === 'deliveries' && 'id' in row ? { origin: origins.get(Number(row.id)) ?? 'look' } : {}),
    }));
    expect([table, rows]).toEqual([table, wanted]);
  }
  expect(database.pragma('integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  expect(database.pragma('foreign_key_check')).toEqual([]);
  // What hung on a repository still does, in the new tables as in the old ones.
  database.exec("insert into hooks values ('h', 'work', 2, 1, null, null, null, null, null, 1)");
  database.exec("insert into requests values (2, 4, 'bb', 'refs/heads/main', 'a', 'topic', 1)");
  database.exec('delete from evaluations where id = 1');
  expect(database.prepare('select evaluation_id from deliveries where id = 1').all()).toEqual([
    { evaluation_id: null },
  ]);
  database.exec('delete from repositories');
  for (const table of ['deliveries', 'hooks', 'requests', 'checks', 'evaluations', 'heads']) {
    expect([table, database.prepare(`select * from ${table}`).all()]).toEqual([table, []]);
  }
  database.close();
});

test('after 0005 a delivery has what its kind asks for, and comes once', async () => {
  const database = new Database(':memory:');
  await migrate(database, AT, MIGRATIONS.slice(0, 5));
  database.exec(
    "insert into repositories values (1, 'work', 'a/b', 'github', null, null, null, 1, null, null)",
  );
  const insert = database.prepare(
    "insert into deliveries (repository_id, kind, origin, uid, ref, pr_number, sha, is_trusted, received_at) values (1, ?, 'hook', ?, ?, ?, ?, 0, 1)",
  );

  expect(insert.run('push', 'u1', 'r', null, 's').changes).toBe(1);
  expect(insert.run('closed', null, null, 4, null).changes).toBe(1);
  expect(insert.run('closed', null, null, 4, null).changes).toBe(1);
  expect(insert.run('deleted', 'u2', 'r', null, null).changes).toBe(1);
  expect(insert.run('rerun', 'u3', null, null, 's').changes).toBe(1);
  for (const [kind, uid, ref, number, sha] of [
    ['push', 'u4', null, null, 's'],
    ['pull_request', 'u5', 'r', 4, null],
    ['pull_request', 'u6', 'r', null, 's'],
    ['push', 'u7', 'r', 4, 's'],
    ['closed', 'u8', null, null, null],
  ]) {
    expect(() => insert.run(kind, uid, ref, number, sha)).toThrow(/CHECK/);
  }
  expect(() => insert.run('push', 'u1', 'r', null, 's')).toThrow(/UNIQUE/);
  database.close();
});

test('a program of before 0005 refuses a database that went through it', async () => {
  const database = new Database(':memory:');
  await migrate(database, AT, MIGRATIONS.slice(0, 5));

  await expect(migrate(database, AT, MIGRATIONS.slice(0, 4))).rejects.toMatchObject({ code: 'store.newer' });
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
