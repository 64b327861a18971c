/**
 * queued → running → one of the ends. `dependency_failed` names its cause and counts as it; `unsupported`: no builder
 * could ever run it; `error`: infrastructure, after its retries. The first end of an attempt wins; only a restart,
 * which makes a new attempt, leaves an end.
 */
export const JOB_STATUSES = [
  'queued',
  'running',
  'cached',
  'success',
  'failure',
  'timed_out',
  'dependency_failed',
  'cancelled',
  'unsupported',
  'error',
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];
export type JobEnding = Exclude<JobStatus, 'queued' | 'running'>;

/** What a running job is doing: its inputs go to the builder, it builds, its outputs come back, they are published. */
export const JOB_PHASES = ['push', 'build', 'pull', 'publish'] as const;
export type JobPhase = (typeof JOB_PHASES)[number];

export function isJobEnding(status: JobStatus): status is JobEnding {
  return status !== 'queued' && status !== 'running';
}

/** The outputs exist. */
export function isJobGood(status: JobStatus): boolean {
  return status === 'success' || status === 'cached';
}
