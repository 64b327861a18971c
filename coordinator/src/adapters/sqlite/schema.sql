CREATE TABLE api_tokens (
    name text primary key,
    digest text not null unique,
    rights text not null,
    repositories text not null,
    created_at integer not null,
    expires_at integer,
    last_used_at integer,
    revoked_at integer
  ) strict, without rowid;

CREATE TABLE attempts (
    job_id integer not null references jobs on delete cascade,
    number integer not null,
    status text not null,
    reason text,
    lease_id integer references leases on delete set null,
    builder text,
    started_at integer,
    finished_at integer,
    primary key (job_id, number)
  ) strict, without rowid;

CREATE TABLE build_times (
    name text primary key,
    average_ms integer not null,
    builds integer not null,
    updated_at integer not null
  ) strict, without rowid;

CREATE TABLE builders (
    name text primary key,
    public_key text not null unique,
    former_name text,
    enrolled_at integer not null,
    enrolled_by text not null check (enrolled_by in ('token', 'invitation')),
    revoked_at integer,
    drained_at integer,
    last_seen_at integer,
    offer text,
    nix_version text
  ) strict, without rowid;

CREATE TABLE checks (
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
  ) strict;

CREATE TABLE "deliveries" (
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
  ) strict;

CREATE TABLE evaluations (
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
    finished_at integer, reuse_key text, tree_key text, reused_from integer references evaluations on delete set null, superseded_by integer references evaluations on delete set null, built_ref text, author text, pusher text, awaits text check (awaits in ('forge', 'approval')), approved_by text, is_reported integer not null default 1 check (is_reported in (0, 1)),
    check ((outcome is not null) = (status = 'done')),
    check ((finished_at is not null) = (status in ('done', 'evaluation_failed', 'cancelled', 'superseded')))
  ) strict;

CREATE TABLE failed_builds (
    drv_path text not null,
    is_trusted integer not null check (is_trusted in (0, 1)),
    failed_at integer not null,
    reason text not null,
    job_id integer,
    lease_id integer,
    primary key (drv_path, is_trusted)
  ) strict, without rowid;

CREATE TABLE heads (
    repository_id integer not null references repositories on delete cascade,
    ref text not null,
    sha text not null,
    seen_at integer not null,
    primary key (repository_id, ref)
  ) strict, without rowid;

CREATE TABLE hooks (
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
  ) strict, without rowid;

CREATE TABLE invitations (
    digest text primary key,
    name text not null,
    created_at integer not null,
    expires_at integer not null,
    used_at integer
  ) strict, without rowid;

CREATE TABLE jobs (
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
    finished_at integer, bumped_at integer, earlier_job_id integer,
    unique (evaluation_id, attr),
    check ((finished_at is null) = (status in ('queued', 'running')))
  ) strict;

CREATE TABLE leases (
    id integer primary key,
    drv_path text not null,
    builder text not null,
    state text not null check (state in ('active', 'ended', 'lost')),
    ending text,
    created_at integer not null,
    ended_at integer
  , charged_to integer, started_at integer, push_ms integer, pull_ms integer, pushed_bytes integer, pulled_bytes integer) strict;

CREATE TABLE migrations (
    number integer primary key, name text not null, is_breaking integer not null, applied_at integer not null) strict;

CREATE TABLE repositories (
    id integer primary key,
    forge text not null,
    slug text not null,
    kind text not null check (kind in ('github', 'gitlab', 'forgejo', 'git')),
    default_branch text,
    trouble text,
    checked_at integer,
    created_at integer not null, is_private integer check (is_private in (0, 1)), web_url text,
    unique (forge, slug)
  ) strict;

CREATE TABLE requests (
    repository_id integer not null references repositories on delete cascade,
    number integer not null,
    head_sha text not null,
    base_ref text not null,
    author text not null,
    head_name text not null,
    seen_at integer not null,
    primary key (repository_id, number)
  ) strict, without rowid;

CREATE TABLE spent_tokens (
    digest text primary key,
    spent_at integer not null
  ) strict, without rowid;

CREATE INDEX attempts_by_lease on attempts (lease_id) where lease_id is not null;

CREATE INDEX build_times_by_age on build_times (updated_at);

CREATE INDEX checks_by_evaluation on checks (evaluation_id) where evaluation_id is not null;

CREATE INDEX checks_due on checks (repository_id, next_try_at) where posted_version < version;

CREATE INDEX deliveries_by_evaluation on deliveries (evaluation_id) where evaluation_id is not null;

CREATE INDEX deliveries_by_repository on deliveries (repository_id);

CREATE UNIQUE INDEX deliveries_by_uid on deliveries (repository_id, uid) where uid is not null;

CREATE INDEX deliveries_pending on deliveries (id) where handled_at is null;

CREATE INDEX evaluations_by_ref on evaluations (repository_id, ref, id);

CREATE INDEX evaluations_by_ref_alone on evaluations (ref, id);

CREATE INDEX evaluations_by_repository on evaluations (repository_id, id);

CREATE INDEX evaluations_by_repository_status on evaluations (repository_id, status, id);

CREATE INDEX evaluations_by_request on evaluations (repository_id, pr_number, id) where pr_number is not null;

CREATE INDEX evaluations_by_reuse_key on evaluations (reuse_key, id) where reuse_key is not null;

CREATE INDEX evaluations_by_sha on evaluations (repository_id, sha, id);

CREATE INDEX evaluations_by_status on evaluations (status, id);

CREATE INDEX evaluations_by_tree_key on evaluations (tree_key, id) where tree_key is not null;

CREATE INDEX evaluations_restarts on evaluations (restart_of) where restart_of is not null;

CREATE INDEX evaluations_reused on evaluations (reused_from) where reused_from is not null;

CREATE INDEX evaluations_superseded on evaluations (superseded_by) where superseded_by is not null;

CREATE INDEX evaluations_unreported on evaluations (id) where is_reported = 0;

CREATE INDEX failed_builds_by_age on failed_builds (failed_at);

CREATE UNIQUE INDEX hooks_of_apps on hooks (forge) where repository_id is null;

CREATE INDEX jobs_by_lease on jobs (lease_id) where lease_id is not null;

CREATE INDEX jobs_by_status on jobs (evaluation_id, status, attr);

CREATE INDEX jobs_living on jobs (status, id) where status in ('queued', 'running');

CREATE UNIQUE INDEX leases_active on leases (drv_path) where state = 'active';

CREATE INDEX leases_by_end on leases (ended_at) where ended_at is not null;
