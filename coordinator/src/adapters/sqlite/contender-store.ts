import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { LIVING_STATUSES, type Trigger } from '@argunix/shared/domain/evaluation-status';
import type { DeliveryId, EvaluationId } from '@argunix/shared/domain/ids';
import { sql } from 'kysely';
import type { Contender, Subject } from '../../domain/supersede.ts';
import type { ContenderStore } from '../../ports/contender-store.ts';
import { UNFINISHED } from './job-changes.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';

export function createContenderStore(database: Reader): ContenderStore {
  return {
    of: (subject) => {
      const living = database.all(livingOf(subject)).map(toContender);
      const newest = living.length === 0 ? undefined : database.first(newestOf(subject));
      return newest === undefined || living.some(({ id }) => id === newest.id)
        ? living
        : [...living, toContender(newest)];
    },
  };
}

/** A restart goes back, restart by restart, to what was made from a delivery. */
function livingOf(subject: Subject) {
  return sqlite
    .withRecursive('origins(id, origin_id, restart_of)', (query) =>
      query
        .selectFrom('evaluations')
        .select(['id', 'id as origin_id', 'restart_of'])
        .where('repository_id', '=', subject.repositoryId)
        .where('status', 'in', LIVING_STATUSES)
        .where(isOf(subject))
        .unionAll(
          query
            .selectFrom('origins')
            .innerJoin('evaluations as before', 'before.id', 'origins.restart_of')
            .select(['origins.id', 'before.id as origin_id', 'before.restart_of']),
        ),
    )
    .selectFrom('origins')
    .innerJoin('evaluations', 'evaluations.id', 'origins.id')
    .leftJoin('deliveries', 'deliveries.evaluation_id', 'origins.origin_id')
    .select(({ fn, selectFrom }) => [
      'origins.id',
      'evaluations.trigger',
      'evaluations.created_at',
      fn.max('deliveries.id').as('delivery_id'),
      selectFrom('jobs')
        .select((job) => job.fn.max('queued_at').as('queued_at'))
        .whereRef('jobs.evaluation_id', '=', 'origins.id')
        .where('jobs.status', 'in', UNFINISHED)
        .where('attempt', '>', 1)
        .as('restarted_at'),
    ])
    .groupBy('origins.id');
}

// From the newest delivery of the repository on: it is asked for when one has come, so it is among the first.
function newestOf(subject: Subject) {
  return sqlite
    .selectFrom('deliveries')
    .innerJoin('evaluations', 'evaluations.id', 'deliveries.evaluation_id')
    .select([
      'evaluations.id',
      'evaluations.trigger',
      'evaluations.created_at',
      'deliveries.id as delivery_id',
    ])
    .where('deliveries.repository_id', '=', subject.repositoryId)
    .where('deliveries.kind', '=', subject.prNumber === null ? 'push' : 'pull_request')
    .where(({ eb }) =>
      subject.prNumber === null
        ? eb('deliveries.ref', '=', subject.ref)
        : eb('deliveries.pr_number', '=', subject.prNumber),
    )
    .orderBy('deliveries.id', 'desc')
    .limit(1);
}

// The plus leaves the index over refs aside: few of a repository's evaluations live, many were ever made of main.
function isOf({ ref, prNumber }: Subject) {
  return prNumber === null
    ? sql<boolean>`+ref = ${ref} and pr_number is null`
    : sql<boolean>`pr_number = ${prNumber}`;
}

function toContender(row: {
  readonly id: number;
  readonly trigger: Trigger;
  readonly created_at: number;
  readonly delivery_id: number | null;
  readonly restarted_at?: number | null;
}): Contender {
  return {
    id: row.id as EvaluationId,
    trigger: row.trigger,
    deliveryId: row.delivery_id as DeliveryId | null,
    createdAt: toEpochMs(row.created_at),
    restartedAt: toMoment(row.restarted_at ?? null),
  };
}

function toMoment(ms: number | null): EpochMs | null {
  return ms === null ? null : toEpochMs(ms);
}
