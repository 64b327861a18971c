/** What waits, for what, and at whose expense. Of everything only what the reader may see; totals are of that. */
import { z } from 'zod';
import { JOB_PHASES, JOB_STATUSES } from '../domain/job-status.ts';
import { EvaluationView, JobRef, RepositoryRef, RunningStep } from './views.ts';

const Time = z.iso.datetime();
const Count = z.int().nonnegative();

export const WHY_KINDS = [
  /** Its evaluation does not build yet. */
  'evaluating',
  /** Something it needs is not built yet. */
  'needs',
  /** All who could build it are busy. */
  'busy',
  /** Nobody who could build it is there now. */
  'absent',
  /** A host spoiled it, and its next try is not due. */
  'resting',
  /** A builder is about to get it. */
  'next',
  'running',
  'ended',
] as const;

/** What a job waits for. */
export const WhyNeed = z.object({
  name: z.string(),
  drv_path: z.string(),
  /** No job names it: it is a dependency that `job_count` jobs share. */
  internal: z.boolean(),
  /** Jobs that name it, or that share it where it is internal: the first ones. */
  jobs: z.array(JobRef),
  job_count: Count,
  /** Null until a builder has it. */
  running: RunningStep.nullable(),
});
export type WhyNeed = z.infer<typeof WhyNeed>;

export const WhyView = z.object({
  job_id: z.int(),
  status: z.enum(JOB_STATUSES),
  kind: z.enum(WHY_KINDS),
  /** One sentence a person can act on. */
  reason: z.string(),
  /** When waiting ends by itself: the next try, or giving up; null where nothing is due. */
  until: Time.nullable(),
  /** Of a job that runs. */
  phase: z.enum(JOB_PHASES).nullable(),
  builder: z.string().nullable(),
  /** When it began to run, or ended; null for what waits. */
  since: Time.nullable(),
  needs: z.array(WhyNeed),
});
export type WhyView = z.infer<typeof WhyView>;

/** Steps that the same builders can take. */
export const QueueLine = z.object({
  system: z.string(),
  features: z.array(z.string()),
  trusted: z.boolean(),
  ready: Count,
  oldest_ready_since: Time,
  /** Why the first of them does not run. */
  sentence: z.string(),
  /** Connected builders that could take them. */
  builders: z.array(z.string()),
});
export type QueueLine = z.infer<typeof QueueLine>;

export const QueueShare = z.object({
  repo: RepositoryRef,
  weight: z.number(),
  ready: Count,
  running: Count,
  recent_build_seconds: z.number().nonnegative(),
});
export type QueueShare = z.infer<typeof QueueShare>;

/** A step that could be built now. */
export const ReadyStep = z.object({
  name: z.string(),
  drv_path: z.string(),
  system: z.string(),
  internal: z.boolean(),
  /** Somebody asked for it to be first. */
  bumped: z.boolean(),
  /** At whose expense it will be built; null where that is not this reader's to know. */
  repo: RepositoryRef.nullable(),
  jobs: z.array(JobRef),
  job_count: Count,
  ready_since: Time,
  reason: z.string(),
});
export type ReadyStep = z.infer<typeof ReadyStep>;

export const QueueView = z.object({
  /** Of steps: each derivation once, however many jobs want it. */
  counts: z.object({
    /** Could be built now. */
    ready: Count,
    /** Need another step first. */
    waiting: Count,
    running: Count,
    /** Of all of these, those that no job names. */
    internal: Count,
  }),
  lines: z.array(QueueLine),
  shares: z.array(QueueShare),
  running: z.array(RunningStep),
  /** The first of those that are ready, in the order in which they are given out. */
  next: z.array(ReadyStep),
  /** Evaluations that do not build yet, the oldest first. */
  evaluations: z.array(EvaluationView),
});
export type QueueView = z.infer<typeof QueueView>;

/** One dispatch of a derivation: it owns a log. */
export const LeaseView = z.object({
  id: z.int(),
  name: z.string(),
  drv_path: z.string(),
  builder: z.string(),
  running: z.boolean(),
  /** No job names it: it is a dependency that `job_count` jobs share. */
  internal: z.boolean(),
  started_at: Time.nullable(),
  finished_at: Time.nullable(),
  /** The first of the jobs that name it, or that share it where it is internal. */
  jobs: z.array(JobRef),
  job_count: Count,
  log_url: z.string(),
});
export type LeaseView = z.infer<typeof LeaseView>;
