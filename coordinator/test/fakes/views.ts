/** Views over arrays, for tests of what is drawn from them. Counts are made from the jobs, so they cannot disagree. */
import type { EvaluationView, JobCounts, JobView, RepositoryView } from '@argunix/shared/control-api/views';
import type { AttemptView, EvaluationFilter, JobFilter, Views } from '../../src/ports/views.ts';
import { NO_COUNTS } from './view-rows.ts';

export interface FakeRows {
  repositories: RepositoryView[];
  evaluations: EvaluationView[];
  jobs: JobView[];
  attempts: Map<number, AttemptView[]>;
}

export function createFakeViews(rows: FakeRows): Views {
  function evaluation(id: number): EvaluationView | undefined {
    const found = rows.evaluations.find((one) => one.id === id);
    return found === undefined ? undefined : withCounts(found);
  }

  function withCounts(one: EvaluationView): EvaluationView {
    return { ...one, counts: countJobs(rows.jobs.filter((job) => job.eval_id === one.id)) };
  }

  function evaluations(filter: EvaluationFilter): readonly EvaluationView[] {
    return rows.evaluations
      .filter((one) => matches(one, filter))
      .toSorted((a, b) => b.id - a.id)
      .slice(0, filter.limit)
      .map(withCounts);
  }

  function withLatest(repository: RepositoryView): RepositoryView {
    const [latest = null] = evaluations({ repository, limit: 1 });
    return { ...repository, latest };
  }

  return {
    evaluation,
    evaluations,
    totals: () => ({
      repositories: rows.repositories.length,
      evaluations: {
        queued: rows.evaluations.filter((one) => one.status === 'queued').length,
        evaluating: rows.evaluations.filter((one) => one.status === 'evaluating').length,
        building: rows.evaluations.filter((one) => one.status === 'building').length,
      },
      jobs: {
        queued: rows.jobs.filter((job) => job.status === 'queued').length,
        running: rows.jobs.filter((job) => job.status === 'running').length,
      },
    }),
    repositories: () => rows.repositories.map(withLatest),
    repository(forge, slug) {
      const found = rows.repositories.find((one) => one.forge === forge && one.slug === slug);
      return found === undefined ? undefined : withLatest(found);
    },
    jobs: (filter) =>
      rows.jobs
        .filter((job) => wants(filter, job))
        .toSorted(byAttribute)
        .slice(0, filter.limit),
    job: (id) => rows.jobs.find((job) => job.id === id),
    jobByAttribute: (evaluationId, attr) =>
      rows.jobs.find((job) => job.eval_id === evaluationId && job.attr === attr),
    activeJobs: (limit) =>
      rows.jobs
        .filter((job) => job.status === 'running' || job.status === 'queued')
        .toSorted((a, b) => Number(b.status === 'running') - Number(a.status === 'running') || a.id - b.id)
        .slice(0, limit),
    attempts: (jobId) => rows.attempts.get(jobId) ?? [],
  };
}

function matches(one: EvaluationView, { repository, ref, statuses, before }: EvaluationFilter): boolean {
  return (
    (repository === undefined ||
      (one.repo.forge === repository.forge && one.repo.slug === repository.slug)) &&
    (ref === undefined || one.ref === ref) &&
    (statuses === undefined || statuses.includes(one.status)) &&
    (before === undefined || one.id < before)
  );
}

function wants({ evaluationId, statuses, search, after }: JobFilter, job: JobView): boolean {
  return (
    job.eval_id === evaluationId &&
    (statuses === undefined || statuses.includes(job.status)) &&
    (search === undefined || job.attr.toLowerCase().includes(search.toLowerCase())) &&
    (after === undefined || job.attr > after)
  );
}

function byAttribute(a: JobView, b: JobView): number {
  return a.attr < b.attr ? -1 : Number(a.attr > b.attr);
}

function countJobs(jobs: readonly JobView[]): JobCounts {
  const counts = { ...NO_COUNTS, total: jobs.length };
  for (const { status } of jobs) {
    counts[status] += 1;
  }
  return counts;
}
