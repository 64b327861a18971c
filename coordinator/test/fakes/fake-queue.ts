/** A queue that says what it is told to say, and a directory over the rows of fake views. */
import { type JobId, type LeaseId, type RepositoryId, toJobId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { z } from 'zod';
import type { BuilderOffer } from '../../src/domain/builder-offer.ts';
import type { BuilderState, QueueSnapshot, RunningStep, Waiting } from '../../src/domain/queue-snapshot.ts';
import type { JobDirectory, ListedJob, ListedLease } from '../../src/ports/job-directory.ts';
import type { Queue } from '../../src/ports/queue.ts';
import type { FakeRows } from './views.ts';

export interface FakeQueueState {
  why: Map<number, Waiting>;
  snapshot: QueueSnapshot;
  builders: readonly BuilderState[];
}

const Repository = z.custom<RepositoryId>((value) => typeof value === 'number');
const Path = z.custom<DerivationPath>((value) => typeof value === 'string');

export function asRepositoryId(id: number): RepositoryId {
  return Repository.parse(id);
}

export function drv(name: string): DerivationPath {
  return Path.parse(`/nix/store/0c9wnmghp7qv2y5cf9bpxzxcwzqkhc2m-${name}.drv`);
}

export const EMPTY_SNAPSHOT: QueueSnapshot = {
  counts: { ready: 0, waiting: 0, running: 0, internal: 0 },
  lines: [],
  shares: [],
  running: [],
  next: [],
};

export function createFakeQueue(
  given: Partial<FakeQueueState> = {},
): Queue & { readonly state: FakeQueueState } {
  const state: FakeQueueState = {
    why: new Map(),
    snapshot: EMPTY_SNAPSHOT,
    builders: [builderState()],
    ...given,
  };
  return {
    state,
    why: (jobId) => state.why.get(jobId),
    snapshot: (next) => ({ ...state.snapshot, next: state.snapshot.next.slice(0, next) }),
    builders: () => state.builders,
    bump() {},
  };
}

export function builderState(
  given: Partial<Omit<BuilderState, 'offer'>> & { readonly offer?: Partial<BuilderOffer> } = {},
): BuilderState {
  return {
    name: 'local',
    state: 'ready',
    slotsUsed: 0,
    isExpectedOffline: false,
    pause: null,
    leftAt: null,
    quarantine: null,
    ...given,
    offer: {
      systems: ['x86_64-linux'],
      emulatedSystems: [],
      features: ['kvm', 'big-parallel'],
      mandatoryFeatures: [],
      isSandboxed: true,
      slots: 4,
      speedFactor: 1,
      ...given.offer,
    },
  };
}

export function runningStep(
  given: Partial<RunningStep> & { readonly drvPath: DerivationPath; readonly leaseId: LeaseId },
): RunningStep {
  return {
    builder: 'local',
    startedAt: undefined,
    isInternal: false,
    jobIds: [],
    jobCount: given.jobIds?.length ?? 0,
    ...given,
  };
}

/** Repositories are numbered as they stand in `rows`, from 1. */
export function createFakeDirectory(
  rows: FakeRows,
  leases: ReadonlyMap<LeaseId, ListedLease & { readonly jobIds: readonly number[] }> = new Map(),
): JobDirectory {
  function listed(id: number): ListedJob | undefined {
    const job = rows.jobs.find((one) => one.id === id);
    const evaluation = rows.evaluations.find((one) => one.id === job?.eval_id);
    if (job === undefined || evaluation === undefined) {
      return undefined;
    }
    const { eval_id, attr, system, url } = job;
    return {
      ref: { id, eval_id, attr, system, repo: evaluation.repo, url },
      drvPath: job.drv_path,
      status: job.status,
      requiredFeatures: [],
      isTrusted: evaluation.trusted,
    };
  }
  return {
    repositories: () =>
      new Map(
        rows.repositories.map(({ forge, slug }, index) => [asRepositoryId(index + 1), { forge, slug }]),
      ),
    jobs: (ids) =>
      new Map<JobId, ListedJob>(
        ids.flatMap((id) => {
          const one = listed(id);
          return one === undefined ? [] : [[toJobId(id), one] as const];
        }),
      ),
    lease: (leaseId) => leases.get(leaseId),
    jobsOfLease: (leaseId) => (leases.get(leaseId)?.jobIds ?? []).flatMap((id) => listed(id) ?? []),
  };
}
