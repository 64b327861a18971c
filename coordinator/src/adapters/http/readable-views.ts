/**
 * What one reader may see. Every route reads through this and has no other way to the data, so a private repository
 * looks like one that does not exist: in lists, by id, in the queue, on builders, on badges.
 */

import type { BuilderView } from '@argunix/shared/control-api/builder-views';
import type { LeaseView, QueueView, WhyView } from '@argunix/shared/control-api/queue-views';
import type { StatusView } from '@argunix/shared/control-api/status-view';
import type {
  EvaluationView,
  JobView,
  RepositoryRef,
  RepositoryView,
} from '@argunix/shared/control-api/views';
import {
  EVALUATION_STATUSES,
  type EvaluationStatus,
  isEvaluationEnded,
} from '@argunix/shared/domain/evaluation-status';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { JobDirectory } from '../../ports/job-directory.ts';
import type { MayRead, Reader } from '../../ports/may-read.ts';
import type { AttemptView, EvaluationFilter, JobFilter, Views, ViewTotals } from '../../ports/views.ts';
import { type BuilderDoorView, readBuilderDoor } from './builder-door.ts';
import { type ReadBuildersSources, readBuilders } from './readable-builders.ts';
import { findReadableLease } from './readable-lease.ts';
import { readQueue } from './readable-queue.ts';
import { readWhy } from './readable-why.ts';
import { createVisibleSteps } from './visible-steps.ts';

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
  builder(name: string): BuilderView | undefined;
  /** How builders come in, for those who may know it. */
  builderDoor(): BuilderDoorView;
  repositories(): readonly RepositoryView[];
  repository(repository: RepositoryRef): RepositoryView | undefined;
  evaluations(filter: EvaluationFilter): EvaluationPage;
  evaluation(id: number): EvaluationView | undefined;
  jobs(filter: JobFilter): readonly JobView[];
  job(id: number): OwnedJob | undefined;
  jobByAttribute(evaluationId: number, attr: string): JobView | undefined;
  activeJobs(limit: number): readonly OwnedJob[];
  attempts(jobId: number): readonly AttemptView[];
  /** `limit` of each list. */
  queue(limit: number): QueueView;
  why(job: JobView, evaluation: EvaluationView): WhyView;
  lease(leaseId: LeaseId): LeaseView | undefined;
}

export interface ReadableSources extends ReadBuildersSources {
  readonly views: Views;
  readonly directory: JobDirectory;
  readonly warnings: () => readonly string[];
  readonly mayRead: MayRead;
  readonly version: string;
  readonly externalUrl: string;
  readonly startedAt: string;
}

// A page of the list looks at no more rows than this many pages of the database, however many are hidden.
const MOST_LOOKS = 10;
const NOT_BUILDING = EVALUATION_STATUSES.filter(
  (status) => !isEvaluationEnded(status) && status !== 'building',
);
// More are not under way at a time, but where something is very wrong.
const MOST_UNDER_WAY = 200;

export function createReadableViews(sources: ReadableSources, reader: Reader): ReadableViews {
  const { views, queue } = sources;
  const visible = createVisibleSteps(sources, reader);
  const { isReadable, readsAll } = visible;

  /** A failure that stands for this job's is told to who may read that job too. */
  function toReadable(view: JobView): JobView {
    return view.earlier === null || isReadable(view.earlier.repo) ? view : { ...view, earlier: null };
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
    return readBuilders(sources, visible);
  }

  function underWay(statuses: readonly EvaluationStatus[], limit: number): readonly EvaluationView[] {
    return evaluations({ statuses, limit }).evaluations;
  }

  /** Over everything, for who may read everything; for others of what they may read. */
  function totals(): Pick<ViewTotals, 'evaluations' | 'jobs'> {
    if (readsAll) {
      return views.totals();
    }
    const living = underWay([...NOT_BUILDING, 'building'], MOST_UNDER_WAY);
    const countOf = (wanted: EvaluationStatus): number =>
      living.filter(({ status }) => status === wanted).length;
    return {
      evaluations: {
        queued: countOf('queued'),
        evaluating: countOf('evaluating'),
        building: countOf('building'),
      },
      jobs: {
        queued: living.reduce((sum, { counts }) => sum + counts.queued, 0),
        running: living.reduce((sum, { counts }) => sum + counts.running, 0),
      },
    };
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
        shown.push({ job: toReadable(active), repository });
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
    return found === undefined || owner === undefined
      ? undefined
      : { job: toReadable(found), repository: owner.repo };
  }

  return {
    builders,
    builder: (name) => builders().find((one) => one.name === name),
    builderDoor: () => readBuilderDoor(sources.builders, sources),
    repositories,
    evaluations,
    evaluation,
    activeJobs,
    job,
    status() {
      const { evaluations: living, jobs } = totals();
      const { enrollment, refusals } = readBuilderDoor(sources.builders, sources);
      return {
        version: sources.version,
        started_at: sources.startedAt,
        external_url: sources.externalUrl,
        repositories: repositories().length,
        evaluations: living,
        jobs,
        builders: [...builders()],
        builder_enrollment: enrollment,
        refusals,
        warnings: [...sources.warnings()],
      };
    },
    repository({ forge, slug }) {
      return isReadable({ forge, slug }) ? views.repository(forge, slug) : undefined;
    },
    jobs(filter) {
      return evaluation(filter.evaluationId) === undefined ? [] : views.jobs(filter).map(toReadable);
    },
    jobByAttribute(evaluationId, attr) {
      const found =
        evaluation(evaluationId) === undefined ? undefined : views.jobByAttribute(evaluationId, attr);
      return found === undefined ? undefined : toReadable(found);
    },
    attempts(jobId) {
      return job(jobId) === undefined ? [] : views.attempts(jobId);
    },
    queue: (limit) =>
      readQueue(
        queue,
        visible,
        {
          waiting: underWay(NOT_BUILDING, limit).toReversed(),
          building: readsAll ? [] : underWay(['building'], MOST_UNDER_WAY),
        },
        { limit },
      ),
    why: (one, owner) => readWhy(queue, visible, one, owner),
    lease: (leaseId) => findReadableLease(sources, leaseId, visible),
  };
}
