/**
 * What the coordinator shows of itself, as the API, the pages and argunixctl see it. snake_case, times RFC 3339 UTC.
 * The OpenAPI document is made from these schemas.
 */
import { z } from 'zod';
import { EVALUATION_OUTCOMES, EVALUATION_STATUSES, TRIGGERS } from '../domain/evaluation-status.ts';
import { FORGE_KINDS } from '../domain/forge-kind.ts';
import { JOB_PHASES, JOB_STATUSES } from '../domain/job-status.ts';

const Time = z.iso.datetime();
const Count = z.int().nonnegative();

export const RepositoryRef = z.object({ forge: z.string(), slug: z.string() });
export type RepositoryRef = z.infer<typeof RepositoryRef>;

/** A job as others point at it. */
export const JobRef = z.object({
  id: z.int(),
  eval_id: z.int(),
  attr: z.string(),
  system: z.string(),
  repo: RepositoryRef,
  url: z.string(),
});
export type JobRef = z.infer<typeof JobRef>;

export const JobCounts = z.object({
  total: Count,
  queued: Count,
  running: Count,
  cached: Count,
  success: Count,
  failure: Count,
  timed_out: Count,
  dependency_failed: Count,
  cancelled: Count,
  unsupported: Count,
  error: Count,
});
export type JobCounts = z.infer<typeof JobCounts>;

export const JobTimings = z.object({
  wait_ms: Count.nullable(),
  push_ms: Count.nullable(),
  build_ms: Count.nullable(),
  pull_ms: Count.nullable(),
  publish_ms: Count.nullable(),
});

export const Publication = z.object({
  kind: z.string(),
  target: z.string(),
  status: z.string(),
  detail: z.string().nullable(),
});

/** The job whose failure, not long ago, stands for this one: nothing was built. */
export const EarlierFailure = z.object({
  job_id: z.int(),
  eval_id: z.int(),
  attr: z.string(),
  repo: RepositoryRef,
  url: z.string(),
  /** Null when it has no log. */
  log_url: z.string().nullable(),
  failed_at: Time.nullable(),
  /** Until then it is not built again unless somebody restarts it; null when nothing holds it back any more. */
  until: Time.nullable(),
});
export type EarlierFailure = z.infer<typeof EarlierFailure>;

export const JobView = z.object({
  id: z.int(),
  eval_id: z.int(),
  attr: z.string(),
  system: z.string(),
  name: z.string(),
  drv_path: z.string().nullable(),
  outputs: z.record(z.string(), z.string().nullable()),
  status: z.enum(JOB_STATUSES),
  phase: z.enum(JOB_PHASES).nullable(),
  /** One sentence a person can act on: why it failed, or why it waits. */
  reason: z.string().nullable(),
  builder: z.string().nullable(),
  /** The number of the current attempt; 1 for a job that was never restarted. */
  attempts: z.int(),
  created_at: Time,
  started_at: Time.nullable(),
  finished_at: Time.nullable(),
  timings: JobTimings,
  bytes: z.object({ pushed: Count, pulled: Count }),
  log_url: z.string().nullable(),
  /** The derivation whose log that is, where it is not the job's own: what failed is something that it needs. */
  log_drv_path: z.string().nullable(),
  earlier: EarlierFailure.nullable(),
  url: z.string(),
  publications: z.array(Publication),
});
export type JobView = z.infer<typeof JobView>;

export const EvaluationView = z.object({
  id: z.int(),
  repo: RepositoryRef,
  trigger: z.enum(TRIGGERS),
  ref: z.string(),
  pr_number: z.int().nullable(),
  sha: z.string(),
  built_sha: z.string(),
  trusted: z.boolean(),
  restart_of: z.int().nullable(),
  /** The evaluation that found its jobs, when they were taken over. */
  reused_from: z.int().nullable(),
  /** Of a request: logins at the forge; null where nobody knows. */
  author: z.string().nullable(),
  pusher: z.string().nullable(),
  /** Of a request that was not made from the repository itself and is trusted: who or what made it so. */
  approved_by: z.string().nullable(),
  /** Pages of the forge, where it has any. */
  request_url: z.string().nullable(),
  commit_url: z.string().nullable(),
  built_commit_url: z.string().nullable(),
  ref_url: z.string().nullable(),
  status: z.enum(EVALUATION_STATUSES),
  outcome: z.enum(EVALUATION_OUTCOMES).nullable(),
  reason: z.string().nullable(),
  counts: JobCounts,
  created_at: Time,
  started_at: Time.nullable(),
  building_at: Time.nullable(),
  finished_at: Time.nullable(),
  url: z.string(),
  jobs: z.array(JobView).optional(),
});
export type EvaluationView = z.infer<typeof EvaluationView>;

export const HOOK_STATES = ['good', 'trouble', 'never_installed'] as const;

/** How pushes are told to us by the forge. */
export const HookCondition = z.object({
  state: z.enum(HOOK_STATES),
  /** Why it is not as wanted, in a sentence. */
  trouble: z.string().nullable(),
  checked_at: Time.nullable(),
  /** When a delivery last came, to the minute; null also where the hook is of all repositories of a GitHub App. */
  delivered_at: Time.nullable(),
});
export type HookCondition = z.infer<typeof HookCondition>;

export const RepositoryView = z.object({
  ...RepositoryRef.shape,
  kind: z.enum(FORGE_KINDS),
  visibility: z.enum(['public', 'private']),
  /** Null where nobody tells us: it is looked at. */
  hook: HookCondition.nullable(),
  /** Where people look at the source, when that is a web page. */
  web_url: z.string().nullable(),
  default_branch: z.string().nullable(),
  /** Its page at the forge, where there is one. */
  default_branch_url: z.string().nullable(),
  /** The last trouble with its source, in a sentence; null when the last look went well. */
  trouble: z.string().nullable(),
  checked_at: Time.nullable(),
  latest: EvaluationView.nullable(),
  url: z.string(),
});
export type RepositoryView = z.infer<typeof RepositoryView>;

/** A derivation that a builder has now. */
export const RunningStep = z.object({
  lease_id: z.int(),
  name: z.string(),
  drv_path: z.string(),
  builder: z.string(),
  /** Null until its own builder process began. */
  started_at: Time.nullable(),
  /** No job names it: it is a dependency that jobs share. */
  internal: z.boolean(),
  /** Jobs that name it, or that need it where it is internal: the first ones. */
  jobs: z.array(JobRef),
  job_count: Count,
  log_url: z.string(),
});
export type RunningStep = z.infer<typeof RunningStep>;

export const LogLineView = z.object({
  number: Count,
  at_ms: Count,
  derivation: z.string(),
  phase: z.string(),
  text: z.string(),
});
export type LogLineView = z.infer<typeof LogLineView>;

/** Data of the events of `/jobs/{id}/log/stream`. */
export const LogLinesEvent = z.object({ lines: z.array(LogLineView) });
/** Null: nobody knows how many. */
export const LagEvent = z.object({ dropped: Count.nullable() });

export const ErrorView = z.object({
  error: z.object({ code: z.string(), message: z.string(), reference: z.string() }),
});
export type ErrorView = z.infer<typeof ErrorView>;
