/** What a disk, another program and a flood do to the writing thread. */
import { stat } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStores } from '../../../test/store-fixture.ts';
import { until } from '../../../test/until.ts';
import { sqlite } from './sql.ts';
import { bulkInsert, type Statement } from './writer.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
beforeEach(async () => {
  stores = await openStores(undefined, { busyMs: 50, mostWaiting: 500 });
});
afterEach(async () => {
  await stores.close();
});

const insert = (slug: string, padding = ''): Statement => ({
  sql: "insert into repositories (forge, slug, kind, created_at, trouble) values ('f', ?, 'git', 0, ?)",
  parameters: [slug, padding],
});
const slugs = (): readonly string[] => stores.views.repositories().map(({ slug }) => slug);

test('of a group that a full disk spoils, exactly what is told to be stored is stored', async () => {
  await stores.database.write([{ sql: 'pragma max_page_count = 80', parameters: [] }]);
  const units = Array.from({ length: 40 }, (_, at) => ({
    slug: `a/${at}`,
    // Every third of them is larger than what is left of the disk.
    padding: 'x'.repeat(at % 3 === 1 ? 400_000 : 10),
  }));

  const results = await Promise.allSettled(
    units.map(({ slug, padding }) => stores.database.write([insert(slug, padding)])),
  );
  const told = units.filter((_, at) => results[at]?.status === 'fulfilled').map(({ slug }) => slug);

  expect(results.some(({ status }) => status === 'rejected')).toBe(true);
  expect(slugs().filter((slug) => slug.startsWith('a/'))).toEqual(told.toSorted());
});

test('the disk has room again, and the next write works', async () => {
  await stores.database.write([{ sql: 'pragma max_page_count = 80', parameters: [] }]);
  await expect(stores.database.write([insert('a/large', 'x'.repeat(400_000))])).rejects.toMatchObject({
    code: 'store.failed',
  });
  await stores.database.write([{ sql: 'pragma max_page_count = 1000000', parameters: [] }]);

  await expect(stores.database.write([insert('a/large', 'x'.repeat(400_000))])).resolves.toMatchObject({
    kind: 'done',
  });
});

test('somebody else who holds the database for too long is trouble that passes', async () => {
  const other = new Database(stores.database.path);
  other.exec('begin immediate');
  await expect(stores.database.write([insert('a/held')])).rejects.toMatchObject({ code: 'store.failed' });
  expect(slugs()).toEqual(['demo/sample']);
  other.exec('rollback');
  other.close();

  await stores.database.write([insert('a/held')]);
  expect(slugs()).toEqual(['demo/sample', 'a/held'].toSorted());
});

test('a flood is refused once too many wait, and those that were taken are stored', async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 800 }, (_, at) => stores.database.write([insert(`a/${at}`)])),
  );
  const refused = results.filter(({ status }) => status === 'rejected');

  expect(refused.length).toBe(300);
  expect(refused[0]).toMatchObject({ reason: { code: 'store.failed' } });
  expect(slugs()).toHaveLength(501);
});

test('somebody who reads for long makes the log grow, and its file shrinks when they are through', async () => {
  const reader = new Database(stores.database.path, { readonly: true });
  reader.exec('begin');
  reader.prepare('select count(*) from repositories').get();
  const large = 'x'.repeat(1_000_000);
  for (let at = 0; at < 100; at += 1) {
    await stores.database.write([insert(`a/${at}`, large)]);
  }
  const walBytes = async (): Promise<number> => (await stat(`${stores.database.path}-wal`)).size;
  expect(await walBytes()).toBeGreaterThan(90_000_000);
  reader.exec('commit');
  reader.close();

  let more = 0;
  await until('the log was cut back', async () => {
    more += 1;
    await stores.database.write([insert(`b/${more}`, large)]);
    return (await walBytes()) <= 67_108_864;
  });
});

test.each([1, 2, 127, 128, 129, 1_000])('%i rows at once are stored as they were given', async (count) => {
  const names = Array.from({ length: count }, (_, at) => `many/${String(at).padStart(4, '0')}`);
  const troubles = names.map((_, at) => (at === 3 ? null : `t${at % 5}`));

  await expect(
    stores.database.write([
      bulkInsert('repositories', count, {
        slug: names,
        trouble: troubles,
        kind: names.map(() => 'git'),
        forge: 'f',
        created_at: 0,
      }),
    ]),
  ).resolves.toMatchObject({ kind: 'done', changes: [count] });

  const stored = stores.database.all(
    sqlite
      .selectFrom('repositories')
      .select(['slug', 'trouble', 'kind', 'forge', 'created_at'])
      .where('forge', '=', 'f')
      .orderBy('slug'),
  );
  expect(stored).toEqual(
    names.map((slug, at) => ({ slug, trouble: troubles[at], kind: 'git', forge: 'f', created_at: 0 })),
  );
});

test('what all rows share is sent once, also where the column is null in all of them', () => {
  expect(bulkInsert('t', 2, { a: ['x', 'x'], b: ['y', 'y'], c: [null, null], d: [1, 2], e: 5 })).toEqual({
    into: 't',
    shared: { b: 'y', c: null, e: 5 },
    columns: ['a', 'd'],
    values: ['x', 1, 'x', 2],
  });
});

test('no rows are no trouble', async () => {
  await expect(
    stores.database.write([
      bulkInsert('repositories', 0, { slug: [], kind: 'git', forge: 'f', created_at: 0 }),
    ]),
  ).resolves.toMatchObject({ kind: 'done', changes: [0] });
});
