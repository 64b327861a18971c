/**
 * The queue as today's dispatcher knows it: one builder, one line in the order of arrival, no shared dependencies of
 * their own. What it cannot know (weights, charges, quarantine) it says as if there were none.
 */
import type { JobView } from '@argunix/shared/control-api/views';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import {
  type JobId,
  type LeaseId,
  type RepositoryId,
  toEvaluationId,
  toJobId,
} from '@argunix/shared/domain/ids';
import { type DerivationPath, parseDerivationPath, storePathName } from '@argunix/shared/domain/store-path';
import type { QueueLine, QueueSnapshot, ReadyStep, RunningStep, Waiting } from '../domain/queue-snapshot.ts';
import type { JobDirectory } from '../ports/job-directory.ts';
import type { Queue } from '../ports/queue.ts';
import type { Views } from '../ports/views.ts';
import type { Engine } from './engine.ts';

export interface QueueSources {
  readonly engine: Pick<Engine, 'dispatcher' | 'builder' | 'evaluations'>;
  readonly views: () => Views;
  readonly directory: JobDirectory;
  readonly leaseOf: (jobId: JobId) => LeaseId | undefined;
}

export interface DispatcherQueue extends Queue {
  /** Of a queued job; null where nothing is known. */
  sentence(jobId: JobId): string | null;
}

// What stands further back in the line is counted and not listed.
const MOST_LISTED = 1_000;
const NO_BUILDER = 'No builder is there that could build it.';

export function createQueueOfDispatcher({
  engine,
  views,
  directory,
  leaseOf,
}: QueueSources): DispatcherQueue {
  const { dispatcher, builder } = engine;

  function isBuilding(evaluationId: number): boolean {
    return engine.evaluations.find(toEvaluationId(evaluationId))?.status === 'building';
  }
  function waitingOf(jobId: JobId): Omit<Waiting, 'needs' | 'until'> {
    const heldBy = dispatcher.heldBy(jobId);
    if (heldBy !== undefined) {
      return { kind: 'needs', sentence: `Waits for ${storePathName(heldBy)}, which it needs.` };
    }
    const spoiledBy = dispatcher.spoiledBy(jobId);
    const { slots } = builder.offer;
    if (spoiledBy !== undefined) {
      return { kind: 'resting', sentence: spoiledBy };
    }
    if (slots === 0) {
      return { kind: 'absent', sentence: NO_BUILDER };
    }
    return dispatcher.slotsUsed < slots
      ? { kind: 'next', sentence: 'A builder is about to get it.' }
      : {
          kind: 'busy',
          sentence: `Waits for a free place: ${slots} of ${slots} on ${builder.name} are taken.`,
        };
  }
  function needsOf(jobId: JobId): Waiting['needs'] {
    const heldBy = dispatcher.heldBy(jobId);
    return heldBy === undefined
      ? []
      : [{ drvPath: heldBy, jobIds: idsOf(living().filter((job) => job.drv_path === heldBy)).slice(0, 10) }];
  }
  function living(): readonly JobView[] {
    return views().activeJobs(MOST_LISTED);
  }
  function runningSteps(jobs: readonly JobView[]): readonly RunningStep[] {
    return stepsOf(jobs.filter(({ status }) => status === 'running')).flatMap(([drvPath, wanting]) => {
      const [first] = wanting;
      const leaseId = first === undefined ? undefined : leaseOf(toJobId(first.id));
      return first === undefined || leaseId === undefined
        ? []
        : [
            {
              drvPath,
              leaseId,
              builder: first.builder ?? builder.name,
              startedAt: first.started_at === null ? undefined : toEpochMs(Date.parse(first.started_at)),
              isInternal: false,
              jobIds: idsOf(wanting).slice(0, 10),
              jobCount: wanting.length,
            },
          ];
    });
  }
  function readySteps(jobs: readonly JobView[]): readonly ReadyStep[] {
    const owners = ownersOf(jobs);
    return stepsOf(jobs.filter(isReady)).flatMap(([drvPath, wanting]) => {
      const repositoryId = owners.get(wanting[0]?.id ?? 0);
      return repositoryId === undefined
        ? []
        : [
            {
              drvPath,
              isInternal: false,
              isBumped: false,
              repositoryId,
              jobIds: idsOf(wanting).slice(0, 10),
              jobCount: wanting.length,
              readySince: toEpochMs(Math.min(...wanting.map((job) => Date.parse(job.created_at)))),
            },
          ];
    });
  }
  function isReady({ id, status, eval_id }: JobView): boolean {
    return status === 'queued' && dispatcher.heldBy(toJobId(id)) === undefined && isBuilding(eval_id);
  }
  function ownersOf(jobs: readonly JobView[]): ReadonlyMap<number, RepositoryId> {
    const byName = new Map(
      [...directory.repositories()].map(([id, { forge, slug }]) => [`${forge}/${slug}`, id] as const),
    );
    return new Map(
      [...directory.jobs(idsOf(jobs))].flatMap(([id, { ref }]) => {
        const owner = byName.get(`${ref.repo.forge}/${ref.repo.slug}`);
        return owner === undefined ? [] : [[id, owner] as const];
      }),
    );
  }
  function linesOf(ready: readonly ReadyStep[]): readonly QueueLine[] {
    const jobs = directory.jobs(ready.flatMap(({ jobIds }) => jobIds.slice(0, 1)));
    const groups = Map.groupBy(ready, ({ jobIds }) => jobs.get(jobIds[0] ?? toJobId(0))?.ref.system ?? '');
    return [...groups].map(([system, steps]) => ({
      system,
      requiredFeatures: [],
      isTrusted: true,
      ready: steps.length,
      oldestReadySince: toEpochMs(Math.min(...steps.map(({ readySince }) => readySince))),
      sentence: waitingOf(steps[0]?.jobIds[0] ?? toJobId(0)).sentence,
      builders: builder.offer.slots > 0 && builder.offer.systems.includes(system) ? [builder.name] : [],
    }));
  }

  return {
    sentence: (jobId) => {
      const [job] = directory.jobs([jobId]).values();
      return job === undefined || !isBuilding(job.ref.eval_id) ? null : waitingOf(jobId).sentence;
    },
    why: (jobId) => {
      const [job] = directory.jobs([jobId]).values();
      return job?.status === 'queued' && isBuilding(job.ref.eval_id)
        ? { ...waitingOf(jobId), until: null, needs: needsOf(jobId) }
        : undefined;
    },
    snapshot: (next): QueueSnapshot => {
      const jobs = living();
      const running = runningSteps(jobs);
      const ready = readySteps(jobs);
      const held = stepsOf(jobs.filter((job) => job.status === 'queued' && !isReady(job)));
      const owners = ownersOf(jobs);
      const beyond = Math.max(0, views().totals().jobs.queued - jobs.length);
      return {
        counts: {
          ready: ready.length,
          waiting: held.length + beyond,
          running: running.length,
          internal: 0,
        },
        lines: linesOf(ready),
        shares: [...new Set(owners.values())].map((repositoryId) => ({
          repositoryId,
          weight: 1,
          ready: ready.filter((step) => step.repositoryId === repositoryId).length,
          running: running.filter((step) => owners.get(step.jobIds[0] ?? 0) === repositoryId).length,
          chargedMs: 0,
        })),
        running,
        next: ready.slice(0, next),
      };
    },
    builders: () => [
      {
        name: builder.name,
        offer: builder.offer,
        state: 'ready',
        slotsUsed: dispatcher.slotsUsed,
        isExpectedOffline: false,
        leftAt: null,
        quarantine: null,
      },
    ],
    bump() {
      // This dispatcher has one order and nobody can ask it for another yet.
    },
  };
}

function stepsOf(jobs: readonly JobView[]): readonly (readonly [DerivationPath, readonly JobView[]])[] {
  return [...Map.groupBy(jobs, (job) => job.drv_path)].flatMap(([path, wanting]) => {
    const drvPath = path === null ? undefined : parseDerivationPath(path);
    return drvPath === undefined ? [] : [[drvPath, wanting] as const];
  });
}

function idsOf(jobs: readonly JobView[]): readonly JobId[] {
  return jobs.map(({ id }) => toJobId(id));
}
