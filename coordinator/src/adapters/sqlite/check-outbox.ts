import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import type { CheckOutbox } from '../../ports/check-outbox.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import { statement, type Writer } from './writer.ts';

export function createCheckOutbox(database: Reader & Writer): CheckOutbox {
  return {
    put: async (posts, at) => {
      await database.write(
        posts.map((post) =>
          statement(
            sqlite.insertInto('check_posts').values({
              repository_id: post.repositoryId,
              sha: post.sha,
              context: post.context,
              state: post.state,
              description: post.description,
              target_url: post.targetUrl,
              created_at: at,
              next_try_at: at,
              trouble: null,
            }),
          ),
        ),
      );
    },
    due: (now, limit) =>
      database
        .all(
          sqlite
            .selectFrom('check_posts as post')
            .selectAll()
            .where('next_try_at', '<=', now)
            .where(({ not, exists, selectFrom }) =>
              not(
                exists(
                  selectFrom('check_posts as earlier')
                    .select('earlier.id')
                    .whereRef('earlier.repository_id', '=', 'post.repository_id')
                    .whereRef('earlier.sha', '=', 'post.sha')
                    .whereRef('earlier.context', '=', 'post.context')
                    .whereRef('earlier.id', '<', 'post.id'),
                ),
              ),
            )
            .orderBy('id')
            .limit(limit),
        )
        .map((row) => ({
          id: row.id,
          tries: row.tries,
          repositoryId: row.repository_id as RepositoryId,
          sha: row.sha as Sha,
          context: row.context,
          state: row.state,
          description: row.description,
          targetUrl: row.target_url,
        })),
    delivered: async (id) => {
      await database.write([statement(sqlite.deleteFrom('check_posts').where('id', '=', id))]);
    },
    postpone: async (id, nextTryAt, trouble) => {
      await database.write([
        statement(
          sqlite
            .updateTable('check_posts')
            .set(({ eb }) => ({ tries: eb('tries', '+', 1), next_try_at: nextTryAt, trouble }))
            .where('id', '=', id),
        ),
      ]);
    },
  };
}
