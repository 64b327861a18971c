import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { DeliveryId, EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import { sql } from 'kysely';
import type { Delivery, DeliveryStore } from '../../ports/delivery-store.ts';
import { insertedId } from './inserted-id.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import { guarded, type Statement, statement, type Writer } from './writer.ts';

export function createDeliveryStore(database: Reader & Writer): DeliveryStore {
  return {
    recordHeads: async (repositoryId, { gone, pushed, at }) => {
      // One statement each, whatever the number: a first look may find a hundred thousand branches.
      const heads = sql<{
        value: string;
      }>`json_each(${JSON.stringify(pushed.map(({ ref, sha }) => [ref, sha]))})`;
      const head = sqlite
        .selectFrom(heads.as('head'))
        .where(sql<boolean>`true`)
        .select(({ val }) => [
          val(repositoryId).as('repository_id'),
          sql<string>`value ->> 0`.as('ref'),
          sql<string>`value ->> 1`.as('sha'),
          val(at).as('at'),
        ]);
      await database.write([
        statement(
          sqlite
            .deleteFrom('heads')
            .where('repository_id', '=', repositoryId)
            .where(sql<boolean>`ref in (select value from json_each(${JSON.stringify(gone)}))`),
        ),
        statement(
          sqlite
            .insertInto('heads')
            .columns(['repository_id', 'ref', 'sha', 'seen_at'])
            .expression(head)
            .onConflict((conflict) =>
              conflict.columns(['repository_id', 'ref']).doUpdateSet(({ ref }) => ({
                sha: ref('excluded.sha'),
                seen_at: ref('excluded.seen_at'),
              })),
            ),
        ),
        statement(
          sqlite
            .insertInto('deliveries')
            .columns(['repository_id', 'ref', 'sha', 'received_at', 'kind', 'is_trusted'])
            .expression(head.select(({ val }) => [val('push' as const).as('kind'), val(1).as('is_trusted')])),
        ),
      ]);
    },
    receive: async (delivery) => insertedId(await database.write([insertion(delivery)]), 0) as DeliveryId,
    pending: () =>
      database
        .all(
          sqlite
            .selectFrom('deliveries')
            .selectAll()
            .where('handled_at', 'is', null)
            .orderBy('id')
            .limit(1_000),
        )
        .map((row) => ({
          id: row.id as DeliveryId,
          repositoryId: row.repository_id as RepositoryId,
          kind: row.kind,
          ref: row.ref as GitRef,
          prNumber: row.pr_number,
          sha: row.sha as Sha,
          isTrusted: row.is_trusted === 1,
          receivedAt: toEpochMs(row.received_at),
        })),
    accept: async (delivery, at) => {
      const result = await database.write([
        guarded(
          sqlite
            .updateTable('deliveries')
            .set({ handled_at: at, verdict: 'accepted' })
            .where('id', '=', delivery.id)
            .where('handled_at', 'is', null),
        ),
        statement(
          sqlite
            .insertInto('evaluations')
            .values({
              repository_id: delivery.repositoryId,
              trigger: delivery.kind,
              ref: delivery.ref,
              pr_number: delivery.prNumber,
              sha: delivery.sha,
              built_sha: delivery.sha,
              is_trusted: delivery.isTrusted ? 1 : 0,
              restart_of: null,
              status: 'queued',
              outcome: null,
              reason: null,
              counts: null,
              created_at: at,
              started_at: null,
              building_at: null,
              finished_at: null,
              reuse_key: null,
              tree_key: null,
              reused_from: null,
              superseded_by: null,
            })
            .returning('id'),
        ),
        statement(
          sqlite
            .updateTable('deliveries')
            .set({ evaluation_id: sql<number>`last_insert_rowid()` })
            .where('id', '=', delivery.id),
        ),
      ]);
      return result.kind === 'done' ? (insertedId(result, 1) as EvaluationId) : undefined;
    },
    drop: async (id, verdict, at) => {
      await database.write([
        statement(
          sqlite
            .updateTable('deliveries')
            .set({ handled_at: at, verdict })
            .where('id', '=', id)
            .where('handled_at', 'is', null),
        ),
      ]);
    },
  };
}

function insertion(delivery: Omit<Delivery, 'id'>): Statement {
  return statement(
    sqlite
      .insertInto('deliveries')
      .values({
        repository_id: delivery.repositoryId,
        kind: delivery.kind,
        ref: delivery.ref,
        pr_number: delivery.prNumber,
        sha: delivery.sha,
        is_trusted: delivery.isTrusted ? 1 : 0,
        received_at: delivery.receivedAt,
        handled_at: null,
        verdict: null,
        evaluation_id: null,
      })
      .returning('id'),
  );
}
