import type { EvaluationView, JobView, RepositoryView } from '@argunix/shared/control-api/views';
import type { EvaluationStatus } from '@argunix/shared/domain/evaluation-status';
import type { JobStatus } from '@argunix/shared/domain/job-status';

export interface EvaluationFilter {
  readonly repository?: { readonly forge: string; readonly slug: string };
  readonly ref?: string;
  readonly statuses?: readonly EvaluationStatus[];
  /** Ids below this one: the next page. */
  readonly before?: number;
  readonly limit: number;
}

export interface JobFilter {
  readonly evaluationId: number;
  readonly statuses?: readonly JobStatus[];
  /** Part of the attribute, letter case ignored. */
  readonly search?: string;
  /** Attributes after this one: the next page. Jobs come in the order of their attributes. */
  readonly after?: string;
  readonly limit: number;
}

export interface ViewTotals {
  readonly repositories: number;
  readonly evaluations: { readonly queued: number; readonly evaluating: number; readonly building: number };
  readonly jobs: { readonly queued: number; readonly running: number };
}

/** What pages and API read: indexed queries that answer within a millisecond or two, whatever the size of the database. */
export interface Views {
  totals(): ViewTotals;
  repositories(): readonly RepositoryView[];
  repository(forge: string, slug: string): RepositoryView | undefined;
  evaluations(filter: EvaluationFilter): readonly EvaluationView[];
  evaluation(id: number): EvaluationView | undefined;
  jobs(filter: JobFilter): readonly JobView[];
  job(id: number): JobView | undefined;
  jobByAttribute(evaluationId: number, attr: string): JobView | undefined;
  /** Running and queued jobs of all evaluations, running first, then oldest. */
  activeJobs(limit: number): readonly JobView[];
  /** Ended attempts of a job before the current one, newest first, with the lease whose log is theirs. */
  attempts(jobId: number): readonly AttemptView[];
}

export interface AttemptView {
  readonly number: number;
  readonly status: JobStatus;
  readonly reason: string | null;
  readonly leaseId: number | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}
