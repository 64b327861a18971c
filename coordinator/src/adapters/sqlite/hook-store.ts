import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { type Selectable, sql } from 'kysely';
import type { HookStore, KeptHook } from '../../ports/hook-store.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import type { Tables } from './tables.ts';
import { statement, type Writer } from './writer.ts';

export function createHookStore(database: Reader & Writer): HookStore {
  const all = (): readonly KeptHook[] =>
    database.all(sqlite.selectFrom('hooks').selectAll().orderBy('id')).map(toHook);
  async function update(id: string, set: Partial<Omit<Selectable<Tables['hooks']>, 'id'>>): Promise<void> {
    await database.write([statement(sqlite.updateTable('hooks').set(set).where('id', '=', id))]);
  }

  return {
    all,
    ensure: async ({ id, forge, repositoryId }, at) => {
      const find = (): KeptHook | undefined => {
        const row = database.first(
          sqlite
            .selectFrom('hooks')
            .selectAll()
            .where(({ eb, and }) =>
              repositoryId === null
                ? and([eb('forge', '=', forge), eb('repository_id', 'is', null)])
                : eb('repository_id', '=', repositoryId),
            ),
        );
        return row === undefined ? undefined : toHook(row);
      };
      const known = find();
      if (known !== undefined) {
        return known;
      }
      await database.write([
        statement(
          sqlite
            .insertInto('hooks')
            .values({
              id,
              forge,
              repository_id: repositoryId,
              generation: 1,
              forge_id: null,
              url: null,
              trouble: null,
              checked_at: null,
              delivered_at: null,
              created_at: at,
            })
            .onConflict((conflict) => conflict.doNothing()),
        ),
      ]);
      const made = find();
      if (made === undefined) {
        throw new Error(`the hook of ${forge} is not there after it was stored`);
      }
      return made;
    },
    installed: (id, { forgeId, url, at }) =>
      update(id, { forge_id: forgeId, url, trouble: null, checked_at: at }),
    failed: async (id, trouble, at) => {
      const checkedAt = sql<number | null>`iif(checked_at is null, null, ${at})`;
      await database.write([
        statement(sqlite.updateTable('hooks').set({ trouble, checked_at: checkedAt }).where('id', '=', id)),
      ]);
    },
    delivered: (id, at) => update(id, { delivered_at: at }),
    rotate: async (id) => {
      await database.write([
        statement(
          sqlite
            .updateTable('hooks')
            .set({ generation: sql`generation + 1`, checked_at: null })
            .where('id', '=', id),
        ),
      ]);
    },
    remove: async (id) => {
      await database.write([statement(sqlite.deleteFrom('hooks').where('id', '=', id))]);
    },
  };
}

function toHook(row: Selectable<Tables['hooks']>): KeptHook {
  return {
    id: row.id,
    forge: row.forge,
    repositoryId: row.repository_id as RepositoryId | null,
    generation: row.generation,
    forgeId: row.forge_id,
    url: row.url,
    trouble: row.trouble,
    checkedAt: moment(row.checked_at),
    deliveredAt: moment(row.delivered_at),
  };
}

function moment(at: number | null): EpochMs | null {
  return at === null ? null : toEpochMs(at);
}
