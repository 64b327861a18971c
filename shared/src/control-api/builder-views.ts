/** Builders, as the API, the pages and argunixctl see them. Who is no operator gets null for what is none of theirs. */
import { z } from 'zod';
import { HostStats, Pause } from '../protocol/capabilities.ts';
import { RepositoryRef, RunningStep } from './views.ts';

const Time = z.iso.datetime();
const Count = z.int().nonnegative();

export const BUILDER_STATES = [
  /** It is there and gets work. */
  'ready',
  /** It is there and takes nothing new, by an operator's wish or its own: `paused` says which. */
  'paused',
  /** It is there, spoiled one step after another, and gets nothing for a while: `quarantine` says why. */
  'quarantined',
  'absent',
  /** Its key opens nothing any more. */
  'revoked',
] as const;

/** A closure on its way to a builder (`push`) or back (`pull`). */
export const TransferView = z.object({
  direction: z.enum(['push', 'pull']),
  /** `waiting`: for others to the same builder; `asking`: what has to be sent; `substituting`: it fetches from caches. */
  step: z.enum(['waiting', 'asking', 'substituting', 'sending']),
  paths_done: Count,
  paths_total: Count,
  bytes_done: Count,
  bytes_total: Count,
  bytes_per_second: Count,
  started_at: Time,
  /** For whose sake: the first ones. */
  steps: z.array(RunningStep),
  step_count: Count,
});
export type TransferView = z.infer<typeof TransferView>;

export const BuilderView = z.object({
  name: z.string(),
  state: z.enum(BUILDER_STATES),
  /** What its processor runs itself. With all that it can do: as it was last there, empty for one that never was. */
  systems: z.array(z.string()),
  /** What it runs through an emulator. */
  emulated_systems: z.array(z.string()),
  features: z.array(z.string()),
  /** It takes only what requires all of these. */
  mandatory_features: z.array(z.string()),
  speed_factor: z.number(),
  slots: Count,
  slots_used: Count,
  /** Null while nobody knows. */
  nix_version: z.string().nullable(),
  sandboxed: z.boolean(),
  expected_offline: z.boolean(),
  /** Null for a builder of the coordinator's own host. */
  enrolled: z
    .object({
      at: Time,
      by: z.enum(['token', 'invitation']),
      /** Operators only. */
      key_fingerprint: z.string().nullable(),
    })
    .nullable(),
  connected_since: Time.nullable(),
  /** Since when it is `absent`. */
  absent_since: Time.nullable(),
  last_seen_at: Time.nullable(),
  /** Why its last connection ended. Operators only. */
  loss_reason: z.string().nullable(),
  agent_version: z.string().nullable(),
  /** To its agent and back. Operators only, as the next one. */
  round_trip_ms: z.number().nonnegative().nullable(),
  /** How long ago its agent last gave a sign of life. */
  heartbeat_age_ms: Count.nullable(),
  /** How its host is. Operators only. */
  stats: HostStats.nullable(),
  /** Why it takes nothing new. */
  paused: Pause.nullable(),
  drained_at: Time.nullable(),
  revoked_at: Time.nullable(),
  /** Why it gets nothing for a while, and when it is tried again. */
  quarantine: z.object({ since: Time, until: Time, failures: Count, reason: z.string() }).nullable(),
  /** Jobs that it builds. */
  current: z.array(
    z.object({
      job_id: z.int(),
      eval_id: z.int(),
      attr: z.string(),
      repo: RepositoryRef,
      started_at: Time.nullable(),
    }),
  ),
  /** Shared dependencies that it builds. */
  internal_steps: z.array(RunningStep),
  transfers: z.array(TransferView),
});
export type BuilderView = z.infer<typeof BuilderView>;

/** What came of an operator's wish, and the builder after it. */
export const BuilderChange = z.object({
  message: z.string(),
  /** Null when there is none any more. */
  builder: BuilderView.nullable(),
});
export type BuilderChange = z.infer<typeof BuilderChange>;

export const InvitationView = z.object({
  name: z.string(),
  /** Lets one new key in, once, under this name. */
  token: z.string(),
  expires_at: Time,
  /** The line to run on the new host. */
  command: z.string(),
});
export type InvitationView = z.infer<typeof InvitationView>;
