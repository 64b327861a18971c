/**
 * Forges: what they deliver, whose a request is, which hooks we keep there, and what they are still to be told.
 * Breaking: an older program would take a closed request for a push. Costs a copy of the deliveries, once.
 */
import { type Kysely, sql } from 'kysely';

export const isBreaking = true;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) {
    await sql.raw(statement).execute(db);
  }
}

const STATEMENTS = [
  // As the forge last said; null until it did.
  'alter table repositories add column is_private integer check (is_private in (0, 1))',
  'alter table repositories add column web_url text',

  `create table new_deliveries (
    id integer primary key,
    repository_id integer not null references repositories on delete cascade,
    kind text not null check (kind in ('push', 'pull_request', 'manual', 'deleted', 'closed', 'rerun', 'approve')),
    origin text not null check (origin in ('look', 'hook', 'person')),
    uid text,
    ref text,
    pr_number integer,
    sha text,
    is_trusted integer not null check (is_trusted in (0, 1)),
    details text,
    received_at integer not null,
    handled_at integer,
    verdict text,
    evaluation_id integer references evaluations on delete set null,
    check (kind not in ('push', 'pull_request', 'manual') or (ref is not null and sha is not null)),
    check ((pr_number is not null) = (kind in ('pull_request', 'closed')))
  ) strict`,
  `insert into new_deliveries
    select id, repository_id, kind, iif(kind = 'manual', 'person', 'look'), null, ref, pr_number, sha, is_trusted,
      null, received_at, handled_at, verdict, evaluation_id
    from deliveries`,
  'drop table deliveries',
  'alter table new_deliveries rename to deliveries',
  'create index deliveries_pending on deliveries (id) where handled_at is null',
  'create index deliveries_by_repository on deliveries (repository_id)',
  'create index deliveries_by_evaluation on deliveries (evaluation_id) where evaluation_id is not null',
  // The forge's own id of a delivery: one that is sent again is the same.
  'create unique index deliveries_by_uid on deliveries (repository_id, uid) where uid is not null',

  // Where git finds what is built: of a request, not the branch that it is to be merged into.
  'alter table evaluations add column built_ref text',
  'alter table evaluations add column author text',
  'alter table evaluations add column pusher text',
  // Of one that awaits approval: whether the forge has been asked about its people yet.
  "alter table evaluations add column awaits text check (awaits in ('forge', 'approval'))",
  'alter table evaluations add column approved_by text',
  // That its forge is to be told of its end, and that this stands in checks.
  'alter table evaluations add column is_reported integer not null default 1 check (is_reported in (0, 1))',
  'create index evaluations_unreported on evaluations (id) where is_reported = 0',
  'create index evaluations_by_sha on evaluations (repository_id, sha, id)',

  // The open requests as of what we last heard.
  `create table requests (
    repository_id integer not null references repositories on delete cascade,
    number integer not null,
    head_sha text not null,
    base_ref text not null,
    author text not null,
    head_name text not null,
    seen_at integer not null,
    primary key (repository_id, number)
  ) strict, without rowid`,

  // Its secret follows from the id, the generation and the key in the state directory.
  `create table hooks (
    id text primary key,
    forge text not null,
    repository_id integer unique references repositories on delete cascade,
    generation integer not null,
    forge_id text,
    url text,
    trouble text,
    checked_at integer,
    delivered_at integer,
    created_at integer not null
  ) strict, without rowid`,
  'create unique index hooks_of_apps on hooks (forge) where repository_id is null',

  // One row is one line at the forge, as it is to be: whatever it is to say in between need not be said.
  'drop table check_posts',
  `create table checks (
    id integer primary key,
    repository_id integer not null references repositories on delete cascade,
    sha text not null,
    context text not null,
    evaluation_id integer references evaluations on delete set null,
    job_id integer,
    state text not null check (state in ('pending', 'success', 'failure', 'error', 'cancelled', 'action_required')),
    description text not null,
    url text not null,
    version integer not null,
    posted_version integer not null default 0,
    handle text,
    tries integer not null default 0,
    next_try_at integer not null,
    trouble text,
    changed_at integer not null,
    posted_at integer,
    unique (repository_id, sha, context)
  ) strict`,
  'create index checks_due on checks (repository_id, next_try_at) where posted_version < version',
  'create index checks_by_evaluation on checks (evaluation_id) where evaluation_id is not null',

  // Only digests.
  `create table api_tokens (
    name text primary key,
    digest text not null unique,
    rights text not null,
    repositories text not null,
    created_at integer not null,
    expires_at integer,
    last_used_at integer,
    revoked_at integer
  ) strict, without rowid`,
];
