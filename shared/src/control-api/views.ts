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

export const RepositoryView = z.object({
  ...RepositoryRef.shape,
  kind: z.enum(FORGE_KINDS),
  /** Where people look at the source, when that is a web page. */
  web_url: z.string().nullable(),
  default_branch: z.string().nullable(),
  /** The last trouble with its source, in a sentence; null when the last look went well. */
  trouble: z.string().nullable(),
  checked_at: Time.nullable(),
  latest: EvaluationView.nullable(),
  url: z.string(),
});
export type RepositoryView = z.infer<typeof RepositoryView>;

export const BuilderView = z.object({
  name: z.string(),
  systems: z.array(z.string()),
  features: z.array(z.string()),
  slots: Count,
  slots_used: Count,
  nix_version: z.string(),
  sandboxed: z.boolean(),
  current: z.array(
    z.object({
      job_id: z.int(),
      eval_id: z.int(),
      attr: z.string(),
      repo: RepositoryRef,
      started_at: Time.nullable(),
    }),
  ),
});
export type BuilderView = z.infer<typeof BuilderView>;

export const StatusView = z.object({
  version: z.string(),
  started_at: Time,
  external_url: z.string(),
  repositories: Count,
  evaluations: z.object({ queued: Count, evaluating: Count, building: Count }),
  jobs: z.object({ queued: Count, running: Count }),
  builders: z.array(BuilderView),
  /** Sentences about what an operator should look at; empty when all is well. */
  warnings: z.array(z.string()),
});
export type StatusView = z.infer<typeof StatusView>;

export const WhyView = z.object({ job_id: z.int(), status: z.enum(JOB_STATUSES), reason: z.string() });
export type WhyView = z.infer<typeof WhyView>;

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
