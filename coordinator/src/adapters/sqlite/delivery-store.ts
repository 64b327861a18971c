import type { DeliveryId, EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import { sql } from 'kysely';
import {
  type Delivery,
  type DeliveryStore,
  type InboxItem,
  MOST_PENDING,
  type NewItem,
  type Opening,
} from '../../ports/delivery-store.ts';
import { fromItem, toItem } from './delivery-rows.ts';
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
            .columns(['repository_id', 'ref', 'sha', 'received_at', 'kind', 'origin', 'is_trusted'])
            .expression(
              head.select(({ val }) => [
                val('push' as const).as('kind'),
                val('look' as const).as('origin'),
                val(1).as('is_trusted'),
              ]),
            ),
        ),
      ]);
    },
    receive: async (item) => insertedId(await database.write([receipt(item)]), 0) as DeliveryId,
    receiveOnce: async (item, settledBecause = null) => {
      const result = await database.write([receipt(item, settledBecause)]);
      return result.kind === 'done' && (result.rows[0]?.length ?? 0) > 0;
    },
    pending: () =>
      database
        .all(
          sqlite
            .selectFrom('deliveries')
            .selectAll()
            .where('handled_at', 'is', null)
            .orderBy('id')
            .limit(MOST_PENDING),
        )
        .map(toItem),
    accept: async (delivery, at, opening = { status: 'queued' }) => {
      const result = await database.write([
        guarded(handled(delivery.id, 'accepted', at)),
        evaluationOf(delivery, at, opening),
        statement(
          sqlite
            .updateTable('deliveries')
            .set({ evaluation_id: sql<number>`last_insert_rowid()` })
            .where('id', '=', delivery.id),
        ),
        ...knownOf(delivery, at),
      ]);
      return result.kind === 'done' ? (insertedId(result, 1) as EvaluationId) : undefined;
    },
    recognize: async (delivery, verdict, at) => {
      await database.write([
        { sql: HANDLED, parameters: [at, verdict, delivery.id] },
        ...knownOf(delivery, at),
      ]);
    },
    settle: async (item, verdict, at) => {
      await database.write([statement(handled(item.id, verdict, at)), ...forgotten(item)]);
    },
  };
}

const INSERTED = [
  'repository_id',
  'kind',
  'origin',
  'uid',
  'ref',
  'pr_number',
  'sha',
  'is_trusted',
  'details',
  'received_at',
  'handled_at',
  'verdict',
] as const;

/** The hot one, of five thousand a second: compiled once. */
const RECEIPT = `insert into deliveries (${INSERTED.join(', ')}) values (${INSERTED.map(() => '?').join(', ')})
  on conflict (repository_id, uid) where uid is not null do nothing returning id`;

function receipt(item: NewItem, verdict: string | null = null): Statement {
  const row = { ...fromItem(item), verdict, handled_at: verdict === null ? null : item.receivedAt };
  return { sql: RECEIPT, parameters: INSERTED.map((column) => row[column]) };
}

/** And what is told again and again. */
const HANDLED = 'update deliveries set handled_at = ?, verdict = ? where id = ? and handled_at is null';
const KNOWN_HEAD = `insert into heads (repository_id, ref, sha, seen_at) values (?, ?, ?, ?)
  on conflict (repository_id, ref) do update set sha = excluded.sha, seen_at = excluded.seen_at
  where heads.sha != excluded.sha`;

function handled(id: DeliveryId, verdict: string, at: number) {
  return sqlite
    .updateTable('deliveries')
    .set({ handled_at: at, verdict })
    .where('id', '=', id)
    .where('handled_at', 'is', null);
}

function evaluationOf(delivery: Delivery, at: number, opening: Opening): Statement {
  const waits = opening.status === 'awaiting_approval' ? opening : null;
  return statement(
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
        status: opening.status,
        outcome: null,
        reason: waits?.reason ?? null,
        awaits: waits?.awaits ?? null,
        author: delivery.people?.author ?? null,
        pusher: delivery.people?.pusher ?? null,
        is_reported: hasNoForge(delivery.repositoryId),
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
  );
}

/** What has no forge has nobody to be told. */
function hasNoForge(repositoryId: RepositoryId) {
  return sql<number>`(select kind = 'git' from repositories where id = ${repositoryId})`;
}

/** The next look must not take for news what the forge told us. */
function knownOf({ repositoryId, kind, ref, sha, prNumber, people }: Delivery, at: number): Statement[] {
  if (kind === 'push') {
    return [{ sql: KNOWN_HEAD, parameters: [repositoryId, ref, sha, at] }];
  }
  if (prNumber === null || people === null) {
    return [];
  }
  const known = { head_sha: sha, base_ref: ref, seen_at: at };
  return [
    statement(
      sqlite
        .insertInto('requests')
        .values({
          repository_id: repositoryId,
          number: prNumber,
          author: people.author,
          head_name: people.headName,
          ...known,
        })
        .onConflict((conflict) => conflict.columns(['repository_id', 'number']).doUpdateSet(known)),
    ),
  ];
}

function forgotten(item: InboxItem): Statement[] {
  if (item.kind === 'deleted') {
    const { repositoryId, ref } = item;
    return [
      statement(sqlite.deleteFrom('heads').where('repository_id', '=', repositoryId).where('ref', '=', ref)),
    ];
  }
  if (item.kind === 'closed') {
    const { repositoryId, prNumber } = item;
    return [
      statement(
        sqlite
          .deleteFrom('requests')
          .where('repository_id', '=', repositoryId)
          .where('number', '=', prNumber),
      ),
    ];
  }
  return [];
}
