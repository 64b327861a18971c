/**
 * What one reader may see. Every route reads through this and has no other way to the data, so a private repository
 * looks like one that does not exist: in lists, by id, in the queue, on builders, on badges.
 */
import type {
  BuilderView,
  EvaluationView,
  JobView,
  RepositoryRef,
  RepositoryView,
  StatusView,
} from '@argunix/shared/control-api/views';
import type { MayRead, Reader } from '../../ports/may-read.ts';
import type { AttemptView, EvaluationFilter, JobFilter, Views } from '../../ports/views.ts';

export interface OwnedJob {
  readonly job: JobView;
  readonly repository: RepositoryRef;
}

export interface EvaluationPage {
  readonly evaluations: readonly EvaluationView[];
  /** Where the next page begins; null when there is none. Not always the last id shown: hidden ones count. */
  readonly before: number | null;
}

export interface ReadableViews {
  status(): StatusView;
  builders(): readonly BuilderView[];
  repositories(): readonly RepositoryView[];
  repository(repository: RepositoryRef): RepositoryView | undefined;
  evaluations(filter: EvaluationFilter): EvaluationPage;
  evaluation(id: number): EvaluationView | undefined;
  jobs(filter: JobFilter): readonly JobView[];
  job(id: number): OwnedJob | undefined;
  jobByAttribute(evaluationId: number, attr: string): JobView | undefined;
  activeJobs(limit: number): readonly OwnedJob[];
  attempts(jobId: number): readonly AttemptView[];
}

export interface ReadableSources {
  readonly views: Views;
  readonly builders: () => readonly BuilderView[];
  readonly warnings: () => readonly string[];
  readonly mayRead: MayRead;
  readonly version: string;
  readonly externalUrl: string;
  readonly startedAt: string;
}

// A page of the list looks at no more rows than this many pages of the database, however many are hidden.
const MOST_LOOKS = 10;

export function createReadableViews(sources: ReadableSources, reader: Reader): ReadableViews {
  const { views } = sources;

  function isReadable(repository: RepositoryRef): boolean {
    return sources.mayRead(reader, repository);
  }

  function evaluation(id: number): EvaluationView | undefined {
    const found = views.evaluation(id);
    return found !== undefined && isReadable(found.repo) ? found : undefined;
  }

  function evaluations(filter: EvaluationFilter): EvaluationPage {
    const shown: EvaluationView[] = [];
    let before = filter.before;
    for (let look = 0; look < MOST_LOOKS; look++) {
      const found = views.evaluations({
        ...filter,
        limit: filter.limit + 1,
        ...(before !== undefined && { before }),
      });
      for (const one of found) {
        if (shown.length === filter.limit) {
          return { evaluations: shown, before: before ?? null };
        }
        before = one.id;
        if (isReadable(one.repo)) {
          shown.push(one);
        }
      }
      if (found.length <= filter.limit) {
        return { evaluations: shown, before: null };
      }
    }
    return { evaluations: shown, before: before ?? null };
  }

  function builders(): readonly BuilderView[] {
    return sources
      .builders()
      .map((builder) => ({ ...builder, current: builder.current.filter(({ repo }) => isReadable(repo)) }));
  }

  function activeJobs(limit: number): readonly OwnedJob[] {
    const owners = new Map<number, RepositoryRef | undefined>();
    const shown: OwnedJob[] = [];
    for (const active of views.activeJobs(limit)) {
      if (!owners.has(active.eval_id)) {
        owners.set(active.eval_id, evaluation(active.eval_id)?.repo);
      }
      const repository = owners.get(active.eval_id);
      if (repository !== undefined) {
        shown.push({ job: active, repository });
      }
    }
    return shown;
  }

  function repositories(): readonly RepositoryView[] {
    return views.repositories().filter(isReadable);
  }

  function job(id: number): OwnedJob | undefined {
    const found = views.job(id);
    const owner = found === undefined ? undefined : evaluation(found.eval_id);
    return found === undefined || owner === undefined ? undefined : { job: found, repository: owner.repo };
  }

  return {
    builders,
    repositories,
    evaluations,
    evaluation,
    activeJobs,
    job,
    status() {
      const totals = views.totals();
      return {
        version: sources.version,
        started_at: sources.startedAt,
        external_url: sources.externalUrl,
        repositories: repositories().length,
        evaluations: totals.evaluations,
        jobs: totals.jobs,
        builders: [...builders()],
        warnings: [...sources.warnings()],
      };
    },
    repository({ forge, slug }) {
      return isReadable({ forge, slug }) ? views.repository(forge, slug) : undefined;
    },
    jobs(filter) {
      return evaluation(filter.evaluationId) === undefined ? [] : views.jobs(filter);
    },
    jobByAttribute(evaluationId, attr) {
      return evaluation(evaluationId) === undefined ? undefined : views.jobByAttribute(evaluationId, attr);
    },
    attempts(jobId) {
      return job(jobId) === undefined ? [] : views.attempts(jobId);
    },
  };
}
