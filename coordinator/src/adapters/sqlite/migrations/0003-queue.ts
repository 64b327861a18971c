/**
 * What the queue remembers: which evaluation stands for another, what replaced it, what failed lately, how long things
 * take, who asked to be first. Breaking: an older program would take the delivery of a request for that of a push.
 * Costs a copy of the deliveries and three indexes over the evaluations, once.
 */
import { type Kysely, sql } from 'kysely';

export const isBreaking = true;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) {
    await sql.raw(statement).execute(db);
  }
}

const STATEMENTS = [
  // Equal keys: the evaluator would find the same. Null until an evaluation begins.
  'alter table evaluations add column reuse_key text',
  'alter table evaluations add column tree_key text',
  'alter table evaluations add column reused_from integer references evaluations on delete set null',
  'alter table evaluations add column superseded_by integer references evaluations on delete set null',
  'create index evaluations_by_reuse_key on evaluations (reuse_key, id) where reuse_key is not null',
  'create index evaluations_by_tree_key on evaluations (tree_key, id) where tree_key is not null',
  'create index evaluations_by_request on evaluations (repository_id, pr_number, id) where pr_number is not null',
  'create index evaluations_reused on evaluations (reused_from) where reused_from is not null',
  'create index evaluations_superseded on evaluations (superseded_by) where superseded_by is not null',

  'alter table jobs add column bumped_at integer',
  // The job whose failure, not long ago, stands for this one.
  'alter table jobs add column earlier_job_id integer',

  // The repository at whose expense it was built, and when its builder began.
  'alter table leases add column charged_to integer',
  'alter table leases add column started_at integer',
  'create index leases_by_end on leases (ended_at) where ended_at is not null',

  // Only non-zero exits of build scripts. One for each level of trust: nothing crosses from untrusted to trusted.
  `create table failed_builds (
    drv_path text not null,
    is_trusted integer not null check (is_trusted in (0, 1)),
    failed_at integer not null,
    reason text not null,
    job_id integer,
    lease_id integer,
    primary key (drv_path, is_trusted)
  ) strict, without rowid`,
  'create index failed_builds_by_age on failed_builds (failed_at)',

  // By the name of a derivation, which stays the same over the versions of its inputs.
  `create table build_times (
    name text primary key,
    average_ms integer not null,
    builds integer not null,
    updated_at integer not null
  ) strict, without rowid`,
  'create index build_times_by_age on build_times (updated_at)',

  `create table new_deliveries (
    id integer primary key,
    repository_id integer not null references repositories on delete cascade,
    kind text not null check (kind in ('push', 'pull_request', 'manual')),
    ref text not null,
    pr_number integer,
    sha text not null,
    is_trusted integer not null check (is_trusted in (0, 1)),
    received_at integer not null,
    handled_at integer,
    verdict text,
    evaluation_id integer references evaluations on delete set null,
    check ((pr_number is not null) = (kind = 'pull_request'))
  ) strict`,
  `insert into new_deliveries
    select id, repository_id, kind, ref, null, sha, is_trusted, received_at, handled_at, verdict, evaluation_id
    from deliveries`,
  'drop table deliveries',
  'alter table new_deliveries rename to deliveries',
  'create index deliveries_pending on deliveries (id) where handled_at is null',
  'create index deliveries_by_repository on deliveries (repository_id)',
  'create index deliveries_by_evaluation on deliveries (evaluation_id) where evaluation_id is not null',
];
