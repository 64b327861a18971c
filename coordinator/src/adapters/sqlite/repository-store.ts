import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
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
    head: (id, ref) =>
      database.first(
        sqlite.selectFrom('heads').select('sha').where('repository_id', '=', id).where('ref', '=', ref),
      )?.sha as Sha | undefined,
    facts: (id) => {
      const row = database.first(
        sqlite.selectFrom('repositories').select(['is_private', 'web_url']).where('id', '=', id),
      );
      const isPrivate = row?.is_private ?? null;
      return { isPrivate: isPrivate === null ? null : isPrivate === 1, webUrl: row?.web_url ?? null };
    },
    recordFacts: async (id, { isPrivate, webUrl, defaultBranch }) => {
      const facts = { is_private: isPrivate ? 1 : 0, web_url: webUrl, default_branch: defaultBranch };
      const known = database.first(
        sqlite
          .selectFrom('repositories')
          .select(['is_private', 'web_url', 'default_branch'])
          .where('id', '=', id),
      );
      const isNew =
        known?.is_private !== facts.is_private ||
        known.web_url !== webUrl ||
        known.default_branch !== defaultBranch;
      if (isNew) {
        await database.write([statement(sqlite.updateTable('repositories').set(facts).where('id', '=', id))]);
      }
      return isNew;
    },
    learnRequests: async (id, requests, at) => {
      await database.write(
        requests.map(({ number, headSha, baseRef, author, headName }) =>
          statement(
            sqlite
              .insertInto('requests')
              .values({
                repository_id: id,
                number,
                head_sha: headSha,
                base_ref: baseRef,
                author,
                head_name: headName,
                seen_at: at,
              })
              .onConflict((conflict) => conflict.doNothing()),
          ),
        ),
      );
    },
    requests: (id) =>
      database
        .all(
          sqlite
            .selectFrom('requests')
            .select(['number', 'head_sha', 'base_ref'])
            .where('repository_id', '=', id)
            .orderBy('number'),
        )
        .map((row) => ({
          number: row.number,
          headSha: row.head_sha as Sha,
          baseRef: row.base_ref as GitRef,
        })),
    request: (id, number) => {
      const row = database.first(
        sqlite
          .selectFrom('requests')
          .select(['head_sha', 'seen_at'])
          .where('repository_id', '=', id)
          .where('number', '=', number),
      );
      return row && { headSha: row.head_sha as Sha, seenAt: toEpochMs(row.seen_at) };
    },
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
