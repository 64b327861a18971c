import { rm } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AT, openStores } from '../../../test/store-fixture.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { openDatabase } from './open-database.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
beforeEach(async () => {
  stores = await openStores();
});
afterEach(async () => {
  await stores.close();
});

test('the schema is the one that was written down', async () => {
  const raw = new Database(stores.database.path, { readonly: true });
  const dump = raw
    .prepare<[], { sql: string }>(
      "select sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by type desc, name",
    )
    .all()
    .map(({ sql }) => `${sql};`)
    .join('\n\n');
  raw.close();

  await expect(`${dump}\n`).toMatchFileSnapshot('schema.sql');
});

test('a state directory belongs to one coordinator at a time', async () => {
  await expect(openDatabase(stores.stateDir, AT)).rejects.toMatchObject({ code: 'store.locked' });
});

test('a database that a newer program changed in a breaking way is refused, one that it only added to is not', async () => {
  const raw = new Database(':memory:');
  const later = { number: 99, name: 'later', isBreaking: false, up: () => Promise.resolve() };
  await migrate(raw, AT, [...MIGRATIONS, later]);
  await expect(migrate(raw, AT)).resolves.toBeUndefined();

  await migrate(raw, AT, [...MIGRATIONS, later, { ...later, number: 100, isBreaking: true }]);
  await expect(migrate(raw, AT)).rejects.toMatchObject({ code: 'store.newer' });
  raw.close();
});

test('a migration that fails leaves nothing behind', async () => {
  const raw = new Database(':memory:');
  const broken = {
    number: 2,
    name: 'broken',
    isBreaking: false,
    up: async (db: Parameters<(typeof MIGRATIONS)[0]['up']>[0]) => {
      await db.schema.createTable('half').addColumn('id', 'integer').execute();
      throw new Error('power cut');
    },
  };
  await expect(migrate(raw, AT, [...MIGRATIONS, broken])).rejects.toThrow('power cut');

  expect(raw.prepare("select count(*) as n from sqlite_schema where name = 'half'").get()).toEqual({ n: 0 });
  await expect(migrate(raw, AT)).resolves.toBeUndefined();
  raw.close();
});

test('a unit whose guard finds nothing changes nothing, and takes no other unit with it', async () => {
  const insert = (slug: string) => ({
    sql: "insert into repositories (forge, slug, kind, created_at) values ('f', ?, 'git', 0)",
    parameters: [slug],
  });
  const guard = {
    sql: 'update repositories set kind = kind where id = -1',
    parameters: [],
    mustChange: true,
  };

  const [refused, done, failed] = await Promise.allSettled([
    stores.database.write([insert('a/refused'), guard]),
    stores.database.write([insert('a/done')]),
    stores.database.write([insert('a/failed'), { sql: 'insert into heads values (1)', parameters: [] }]),
  ]);

  expect(refused).toMatchObject({ status: 'fulfilled', value: { kind: 'refused', at: 1 } });
  expect(done).toMatchObject({ status: 'fulfilled', value: { kind: 'done' } });
  expect(failed).toMatchObject({ status: 'rejected', reason: { code: 'store.failed' } });
  expect(stores.views.repositories().map(({ slug }) => slug)).toEqual(['demo/sample', 'a/done'].toSorted());
});

test('what was written is there after the database was closed and opened', async () => {
  await stores.database.close();
  const again = await openDatabase(stores.stateDir, AT);

  expect(
    again.first({
      compile: () => ({
        sql: 'select count(*) as n from repositories',
        parameters: [],
        query: {} as never,
        queryId: {} as never,
      }),
    }),
  ).toEqual({ n: 1 });
  await again.close();
  await rm(stores.stateDir, { recursive: true });
  stores = await openStores();
});
