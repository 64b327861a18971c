/**
 * Who may build for us, and what carrying closures took. Breaking: an older program would take the leases of builders
 * for those of its own host.
 */
import { type Kysely, sql } from 'kysely';

export const isBreaking = true;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) {
    await sql.raw(statement).execute(db);
  }
}

const STATEMENTS = [
  // One key is one builder: its name may change, its key never does.
  `create table builders (
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
  ) strict, without rowid`,
  // Of an invitation only a digest of its secret is kept.
  `create table invitations (
    digest text primary key,
    name text not null,
    created_at integer not null,
    expires_at integer not null,
    used_at integer
  ) strict, without rowid`,
  // Shared tokens that a revoked builder may know.
  `create table spent_tokens (
    digest text primary key,
    spent_at integer not null
  ) strict, without rowid`,
  'alter table leases add column push_ms integer',
  'alter table leases add column pull_ms integer',
  'alter table leases add column pushed_bytes integer',
  'alter table leases add column pulled_bytes integer',
];
