import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { sql } from 'kysely';
import { ALREADY_BUILT } from '../../domain/already-built.ts';
import type { ReuseStore, Takeover } from '../../ports/reuse-store.ts';
import { parseOutputs } from './columns.ts';
import type { Reader } from './open-database.ts';
import { reuseDigest } from './reuse-digest.ts';
import { sqlite } from './sql.ts';
import { guarded, type Statement, statement, type Writer } from './writer.ts';

const COPIED = [
  'attr',
  'system',
  'name',
  'drv_path',
  'outputs',
  'required_features',
  'description',
  'main_program',
] as const;

export function createReuseStore(database: Reader & Writer): ReuseStore {
  return {
    find: (kind, key, { repositoryId, isTrusted }) => {
      const row = database.first(
        sqlite
          .selectFrom('evaluations')
          .select('id')
          .where(kind === 'commit' ? 'reuse_key' : 'tree_key', '=', reuseDigest(key))
          .where('repository_id', '=', repositoryId)
          .where('is_trusted', '>=', isTrusted ? 1 : 0)
          // From then on it was evaluated to its end.
          .where('building_at', 'is not', null)
          .orderBy('id', 'desc')
          .limit(1),
      );
      return row === undefined ? undefined : (row.id as EvaluationId);
    },
    jobs: (from, { after, limit }) =>
      database
        .all(
          sqlite
            .selectFrom('jobs')
            .select(['id', 'attr', 'system', 'drv_path', 'outputs'])
            .where('evaluation_id', '=', from)
            .where('attr', '>', after ?? '')
            .orderBy('attr')
            .limit(limit),
        )
        .map((row) => ({
          id: row.id as JobId,
          attr: row.attr,
          system: row.system,
          drvPath: row.drv_path as DerivationPath | null,
          outputs: parseOutputs(row.outputs),
        })),
    takeOver: async (id, takeover, at) => (await database.write(takeOver(id, takeover, at))).kind === 'done',
  };
}

/** In one transaction: a crash leaves it queued, or building with every job. */
function takeOver(id: EvaluationId, { from, keys, cached }: Takeover, at: number): readonly Statement[] {
  const source = sqlite.selectFrom('evaluations').where('id', '=', from).where('building_at', 'is not', null);
  const isCached = sql<boolean>`id in (select value from json_each(${JSON.stringify(cached)}))`;
  const isBroken = sql<boolean>`drv_path is null`;
  const copies = sqlite
    .selectFrom('jobs')
    .where('evaluation_id', '=', from)
    .orderBy('id')
    .select([...COPIED])
    .select(({ val }) => [
      val(id).as('evaluation_id'),
      sql<'failure'>`case when ${isBroken} then 'failure' when ${isCached} then 'cached' else 'queued' end`.as(
        'status',
      ),
      sql<string>`case when ${isBroken} then reason when ${isCached} then name || ${ALREADY_BUILT} end`.as(
        'reason',
      ),
      val(1).as('attempt'),
      val(at).as('created_at'),
      val(at).as('queued_at'),
      sql<number>`case when ${isBroken} or ${isCached} then ${at} end`.as('finished_at'),
    ]);
  return [
    guarded(source.select('id')),
    guarded(
      sqlite
        .updateTable('evaluations')
        .set({
          status: 'evaluating',
          started_at: at,
          reason: null,
          reused_from: from,
          reuse_key: reuseDigest(keys.commit),
          // The same commit has the same tree.
          tree_key: keys.tree === null ? source.select('tree_key') : reuseDigest(keys.tree),
        })
        .where('id', '=', id)
        .where('status', '=', 'queued'),
    ),
    statement(sqlite.deleteFrom('jobs').where('evaluation_id', '=', id)),
    statement(
      sqlite
        .insertInto('jobs')
        .columns([
          ...COPIED,
          'evaluation_id',
          'status',
          'reason',
          'attempt',
          'created_at',
          'queued_at',
          'finished_at',
        ])
        .expression(copies),
    ),
    guarded(
      sqlite
        .updateTable('evaluations')
        .set({ status: 'building', building_at: at })
        .where('id', '=', id)
        .where('status', '=', 'evaluating'),
    ),
  ];
}
