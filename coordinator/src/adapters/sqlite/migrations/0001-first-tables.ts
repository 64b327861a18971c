/** The first tables. Not breaking: there is nothing before it. */
import { type Kysely, sql } from 'kysely';

export const isBreaking = false;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) {
    await sql.raw(statement).execute(db);
  }
}

const STATEMENTS = [
  `create table repositories (
    id integer primary key,
    forge text not null,
    slug text not null,
    kind text not null check (kind in ('github', 'gitlab', 'forgejo', 'git')),
    default_branch text,
    trouble text,
    checked_at integer,
    created_at integer not null,
    unique (forge, slug)
  ) strict`,

  `create table heads (
    repository_id integer not null references repositories on delete cascade,
    ref text not null,
    sha text not null,
    seen_at integer not null,
    primary key (repository_id, ref)
  ) strict, without rowid`,

  `create table evaluations (
    id integer primary key,
    repository_id integer not null references repositories on delete cascade,
    "trigger" text not null check ("trigger" in ('push', 'pull_request', 'manual', 'restart')),
    ref text not null,
    pr_number integer,
    sha text not null,
    built_sha text not null,
    is_trusted integer not null check (is_trusted in (0, 1)),
    restart_of integer references evaluations on delete set null,
    status text not null check (status in
      ('awaiting_approval', 'queued', 'evaluating', 'building', 'done', 'evaluation_failed', 'cancelled', 'superseded')),
    outcome text check (outcome in ('success', 'failure', 'error')),
    reason text,
    counts text,
    created_at integer not null,
    started_at integer,
    building_at integer,
    finished_at integer,
    check ((outcome is not null) = (status = 'done')),
    check ((finished_at is not null) = (status in ('done', 'evaluation_failed', 'cancelled', 'superseded')))
  ) strict`,
  'create index evaluations_by_repository on evaluations (repository_id, id)',
  'create index evaluations_by_ref on evaluations (repository_id, ref, id)',
  `create index evaluations_living on evaluations (status, id)
    where status in ('awaiting_approval', 'queued', 'evaluating', 'building')`,

  `create table deliveries (
    id integer primary key,
    repository_id integer not null references repositories on delete cascade,
    kind text not null check (kind in ('push', 'manual')),
    ref text not null,
    sha text not null,
    is_trusted integer not null check (is_trusted in (0, 1)),
    received_at integer not null,
    handled_at integer,
    verdict text,
    evaluation_id integer references evaluations on delete set null
  ) strict`,
  'create index deliveries_pending on deliveries (id) where handled_at is null',

  `create table leases (
    id integer primary key,
    drv_path text not null,
    builder text not null,
    state text not null check (state in ('active', 'ended', 'lost')),
    ending text,
    created_at integer not null,
    ended_at integer
  ) strict`,
  // Never two builds of one derivation at a time, whatever the program believes.
  `create unique index leases_active on leases (drv_path) where state = 'active'`,

  `create table jobs (
    id integer primary key,
    evaluation_id integer not null references evaluations on delete cascade,
    attr text not null,
    system text not null,
    name text not null,
    drv_path text,
    outputs text not null,
    required_features text not null,
    description text,
    main_program text,
    status text not null check (status in ('queued', 'running', 'cached', 'success', 'failure', 'timed_out',
      'dependency_failed', 'cancelled', 'unsupported', 'error')),
    phase text check (phase in ('push', 'build', 'pull', 'publish')),
    reason text,
    attempt integer not null,
    cause_job_id integer,
    lease_id integer references leases on delete set null,
    builder text,
    created_at integer not null,
    queued_at integer not null,
    started_at integer,
    finished_at integer,
    unique (evaluation_id, attr),
    check ((finished_at is null) = (status in ('queued', 'running')))
  ) strict`,
  'create index jobs_by_status on jobs (evaluation_id, status)',
  `create index jobs_living on jobs (status, id) where status in ('queued', 'running')`,

  `create table attempts (
    job_id integer not null references jobs on delete cascade,
    number integer not null,
    status text not null,
    reason text,
    lease_id integer references leases on delete set null,
    builder text,
    started_at integer,
    finished_at integer,
    primary key (job_id, number)
  ) strict, without rowid`,

  `create table check_posts (
    id integer primary key,
    repository_id integer not null references repositories on delete cascade,
    sha text not null,
    context text not null,
    state text not null check (state in ('pending', 'success', 'failure', 'error')),
    description text not null,
    target_url text not null,
    created_at integer not null,
    tries integer not null default 0,
    next_try_at integer not null,
    trouble text
  ) strict`,
  'create index check_posts_by_context on check_posts (repository_id, sha, context, id)',
  'create index check_posts_due on check_posts (next_try_at)',
];
