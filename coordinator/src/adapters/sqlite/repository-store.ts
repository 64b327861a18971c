import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';
import type { Repository, RepositoryStore } from '../../ports/repository-store.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import { statement, type Writer } from './writer.ts';

export function createRepositoryStore(database: Reader & Writer): RepositoryStore {
  const columns = ['id', 'forge', 'slug', 'kind'] as const;
  return {
    all: () =>
      database.all(sqlite.selectFrom('repositories').select(columns).orderBy('id')).map(toRepository),
    ensure: async ({ forge, slug, kind }, now) => {
      await database.write([
        statement(
          sqlite
            .insertInto('repositories')
            .values({
              forge,
              slug,
              kind,
              created_at: now,
              default_branch: null,
              trouble: null,
              checked_at: null,
            })
            .onConflict((conflict) => conflict.columns(['forge', 'slug']).doUpdateSet({ kind })),
        ),
      ]);
      const row = database.first(
        sqlite.selectFrom('repositories').select(columns).where('forge', '=', forge).where('slug', '=', slug),
      );
      if (row === undefined) {
        throw new Error(`repository ${forge}/${slug} is not there after it was stored`);
      }
      return toRepository(row);
    },
    defaultBranch: (id) =>
      (database.first(sqlite.selectFrom('repositories').select('default_branch').where('id', '=', id))
        ?.default_branch ?? null) as GitRef | null,
    heads: (id) =>
      database
        .all(sqlite.selectFrom('heads').select(['ref', 'sha']).where('repository_id', '=', id).orderBy('ref'))
        .map(({ ref, sha }) => ({ ref: ref as GitRef, sha: sha as Sha })),
    recordLook: async (id, { at, defaultBranch, trouble }) => {
      const branch = defaultBranch === undefined ? {} : { default_branch: defaultBranch };
      await database.write([
        statement(
          sqlite
            .updateTable('repositories')
            .set({ checked_at: at, trouble, ...branch })
            .where('id', '=', id),
        ),
      ]);
    },
  };
}

function toRepository(row: {
  id: number;
  forge: string;
  slug: string;
  kind: Repository['kind'];
}): Repository {
  return { ...row, id: row.id as RepositoryId, slug: row.slug as RepositorySlug };
}
