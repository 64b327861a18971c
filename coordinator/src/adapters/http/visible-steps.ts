/**
 * Steps as one reader may see them. A step shows when the reader may read one of the jobs that want or need it, and
 * then with those jobs alone: a derivation in the closure of one's own job is one's own to see, who else needs it is not.
 */
import { leaseLogPath } from '@argunix/shared/control-api/paths';
import type { JobRef, RepositoryRef, RunningStep } from '@argunix/shared/control-api/views';
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { JobId, RepositoryId } from '@argunix/shared/domain/ids';
import { storePathName } from '@argunix/shared/domain/store-path';
import type { ReadyStep as Ready, RunningStep as Running } from '../../domain/queue-snapshot.ts';
import type { JobDirectory, ListedJob } from '../../ports/job-directory.ts';
import type { MayRead, Reader } from '../../ports/may-read.ts';

export interface ReadyJob {
  readonly step: Ready;
  /** The first of its jobs that this reader may see. */
  readonly first: ListedJob;
  readonly jobs: readonly JobRef[];
  readonly jobCount: number;
}

export interface VisibleSteps {
  /** Nothing is hidden from this reader. */
  readonly readsAll: boolean;
  readonly isReadable: (repository: RepositoryRef) => boolean;
  repository(id: RepositoryId): RepositoryRef | undefined;
  jobs(ids: readonly JobId[]): ReadonlyMap<JobId, ListedJob>;
  running(steps: readonly Running[]): readonly RunningStep[];
  /** In their order. */
  ready(steps: readonly Ready[]): readonly ReadyJob[];
}

// So many jobs of a step are named; "and 9 more" says the rest.
const MOST_NAMED = 3;

export function createVisibleSteps(
  {
    directory,
    externalUrl,
    mayRead,
  }: { readonly directory: JobDirectory; readonly externalUrl: string; readonly mayRead: MayRead },
  reader: Reader,
): VisibleSteps {
  const repositories = directory.repositories();
  const isReadable = (repository: RepositoryRef): boolean => mayRead(reader, repository);
  const readsAll = [...repositories.values()].every(isReadable);

  function find(steps: readonly (Running | Ready)[]): ReadonlyMap<JobId, ListedJob> {
    // Who may read everything needs no more than what is shown; for others, any of them may be the one they may read.
    const most = readsAll ? MOST_NAMED : Infinity;
    return jobs(steps.flatMap(({ jobIds }) => jobIds.slice(0, most)));
  }
  function jobs(ids: readonly JobId[]): ReadonlyMap<JobId, ListedJob> {
    const found = [...directory.jobs(ids)];
    return readsAll ? new Map(found) : new Map(found.filter(([, { ref }]) => isReadable(ref.repo)));
  }
  function jobsOf(
    step: Running | Ready,
    found: ReadonlyMap<JobId, ListedJob>,
  ): { readonly listed: readonly ListedJob[]; readonly jobs: readonly JobRef[]; readonly jobCount: number } {
    const listed = step.jobIds.flatMap((id) => found.get(id) ?? []);
    return {
      listed,
      jobs: listed.slice(0, MOST_NAMED).map(({ ref }) => ref),
      jobCount: readsAll ? step.jobCount : listed.length,
    };
  }

  return {
    readsAll,
    isReadable,
    jobs,
    repository: (id) => {
      const repository = repositories.get(id);
      return repository !== undefined && isReadable(repository) ? repository : undefined;
    },
    running: (steps) => {
      const found = find(steps);
      return steps.flatMap((step) => {
        const { listed, jobs: named, jobCount } = jobsOf(step, found);
        return listed.length === 0
          ? []
          : [
              {
                lease_id: step.leaseId,
                name: storePathName(step.drvPath),
                drv_path: step.drvPath,
                builder: step.builder,
                started_at: step.startedAt === undefined ? null : toTime(step.startedAt),
                internal: step.isInternal,
                jobs: [...named],
                job_count: jobCount,
                log_url: externalUrl + leaseLogPath(step.leaseId),
              },
            ];
      });
    },
    ready: (steps) => {
      const found = find(steps);
      return steps.flatMap((step) => {
        const { listed, jobs: named, jobCount } = jobsOf(step, found);
        const [first] = listed;
        return first === undefined ? [] : [{ step, first, jobs: named, jobCount }];
      });
    },
  };
}

export function toTime(at: EpochMs): string {
  return new Date(at).toISOString();
}

export function toTimeOrNull(at: EpochMs | null): string | null {
  return at === null ? null : toTime(at);
}
