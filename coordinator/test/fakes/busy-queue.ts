/** A queue that is full, with every kind of waiting, for the busy house. */
import { jobPath } from '@argunix/shared/control-api/paths';
import type { JobView, RepositoryRef } from '@argunix/shared/control-api/views';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { type JobId, type LeaseId, toJobId, toLeaseId } from '@argunix/shared/domain/ids';
import type { QueueLine, QueueSnapshot, ReadyStep, Waiting } from '../../src/domain/queue-snapshot.ts';
import type { ListedLease } from '../../src/ports/job-directory.ts';
import { asRepositoryId, builderState, drv, type FakeQueueState, runningStep } from './fake-queue.ts';
import { jobRow } from './view-rows.ts';

export type FakeLeases = ReadonlyMap<LeaseId, ListedLease & { readonly jobIds: readonly number[] }>;

const TOOLS: RepositoryRef = { forge: 'codeberg', slug: 'harbour/tools' };
export const SHARED_NAME = 'python3.12-torch-2.5.1';
export const SHARED_LEASE = toLeaseId(900);
// Right-to-left, markup and a length that no page is made for.
const HOSTILE = `packages.x86_64-linux."<b>\u202egnp.exe</b>${'-very-long'.repeat(40)}"`;

const WAITING = [
  'packages.x86_64-linux.harbour-server',
  'packages.x86_64-linux.harbour-web',
  'packages.x86_64-linux.harbour-docs',
  'checks.x86_64-linux.vm-install',
  'packages.aarch64-linux.harbour-server',
  'packages.aarch64-linux.harbour-web',
  HOSTILE,
  'hydraJobs.x86_64-linux.release.tarball',
];

/** Jobs 3001 and on, of the evaluation that builds. */
export function waitingJobs(at: (secondsAgo: number) => string): JobView[] {
  return WAITING.map((attr, index) =>
    jobRow({
      id: 3001 + index,
      eval_id: 42,
      attr,
      name: attr === HOSTILE ? 'gnp.exe' : (attr.split('.').at(-1) ?? ''),
      status: 'queued',
      system: attr.includes('aarch64') ? 'aarch64-linux' : 'x86_64-linux',
      started_at: null,
      finished_at: null,
      log_url: null,
      builder: null,
      created_at: at(160 - index),
      url: jobPath(TOOLS, 42, attr),
      reason: index < 3 ? `Waits for ${SHARED_NAME}, which it needs.` : 'All 4 slots of local are in use.',
      timings: { wait_ms: null, push_ms: null, build_ms: null, pull_ms: null, publish_ms: null },
    }),
  );
}

function ids(...numbers: readonly number[]): readonly JobId[] {
  return numbers.map(toJobId);
}

export function busyQueue(now: number): FakeQueueState {
  return { why: reasons(now), snapshot: snapshot(now), builders: builders(now) };
}

export function busyLeases(now: number): FakeLeases {
  return new Map([
    [
      SHARED_LEASE,
      {
        drvPath: drv(SHARED_NAME),
        builder: 'rack-1',
        startedAt: toEpochMs(now - 754_000),
        endedAt: null,
        jobIds: [3001, 3002, 3003],
      },
    ],
  ]);
}

function reasons(now: number): Map<number, Waiting> {
  const none = { until: null, needs: [] };
  const busy: Waiting = {
    ...none,
    kind: 'busy',
    sentence: 'All 4 slots of local are in use; 3 steps stand before it.',
  };
  const needs: Waiting = {
    ...none,
    kind: 'needs',
    sentence: `Waits for ${SHARED_NAME} and firefox-133.0, which it needs.`,
    needs: [
      { drvPath: drv(SHARED_NAME), jobIds: [] },
      { drvPath: drv('firefox-133.0'), jobIds: ids(1014) },
      { drvPath: drv('harbour-docs'), jobIds: ids(3003) },
    ],
  };
  return new Map<number, Waiting>([
    [1020, needs],
    [1021, { ...none, kind: 'resting', sentence: 'The builder went away.', until: toEpochMs(now + 95_000) }],
    [
      1022,
      {
        ...none,
        kind: 'absent',
        sentence: 'No builder for aarch64-linux is connected: laptop left 4 min ago.',
        until: toEpochMs(now + 200_000),
      },
    ],
    [3001, needs],
    [3002, needs],
    [3003, { ...none, kind: 'next', sentence: 'It is next: a builder is about to get it.' }],
    ...[3004, 3007, 3008].map((id) => [id, busy] as const),
    ...[3005, 3006].map(
      (id) =>
        [
          id,
          { ...none, kind: 'absent', sentence: 'Only laptop builds aarch64-linux, and it is away.' },
        ] as const,
    ),
  ]);
}

function snapshot(now: number): QueueSnapshot {
  return {
    counts: { ready: 61, waiting: 148, running: 7, internal: 9 },
    lines: lines(now),
    shares: [
      { repositoryId: asRepositoryId(1), weight: 1, ready: 12, running: 3, chargedMs: 5_400_000 },
      { repositoryId: asRepositoryId(2), weight: 2, ready: 37, running: 3, chargedMs: 3_900_000 },
      { repositoryId: asRepositoryId(3), weight: 1, ready: 12, running: 1, chargedMs: 0 },
    ],
    running: [
      runningStep({
        drvPath: drv(SHARED_NAME),
        leaseId: SHARED_LEASE,
        builder: 'rack-1',
        startedAt: toEpochMs(now - 754_000),
        isInternal: true,
        jobIds: ids(3001, 3002, 3003, 1020),
        jobCount: 12,
      }),
      runningStep({
        drvPath: drv('The-integration-test'),
        leaseId: toLeaseId(901),
        startedAt: toEpochMs(now - 64_000),
        jobIds: ids(1012),
      }),
      runningStep({
        drvPath: drv('nixos-system-harbour-25.11'),
        leaseId: toLeaseId(902),
        startedAt: toEpochMs(now - 43_000),
        jobIds: ids(1013, 3004),
      }),
      runningStep({
        drvPath: drv('firefox-133.0'),
        leaseId: toLeaseId(903),
        builder: 'rack-1',
        jobIds: ids(1014),
      }),
    ],
    next: nextSteps(now),
  };
}

function lines(now: number): readonly QueueLine[] {
  const usual = { requiredFeatures: [], isTrusted: true };
  return [
    {
      ...usual,
      system: 'x86_64-linux',
      ready: 44,
      oldestReadySince: toEpochMs(now - 190_000),
      sentence: 'All 20 slots of local and rack-1 are in use.',
      builders: ['local', 'rack-1'],
    },
    {
      ...usual,
      system: 'x86_64-linux',
      requiredFeatures: ['kvm', 'nixos-test'],
      ready: 3,
      oldestReadySince: toEpochMs(now - 310_000),
      sentence: 'All 4 slots of local are in use.',
      builders: ['local'],
    },
    {
      ...usual,
      isTrusted: false,
      system: 'x86_64-linux',
      ready: 2,
      oldestReadySince: toEpochMs(now - 40_000),
      sentence: "A stranger's work needs a builder with a sandbox, and rack-1 has none; local is busy.",
      builders: ['local'],
    },
    {
      ...usual,
      system: 'aarch64-linux',
      ready: 12,
      oldestReadySince: toEpochMs(now - 7_400_000),
      sentence: 'Only laptop builds aarch64-linux, and it is away; it is waited for.',
      builders: [],
    },
  ];
}

function nextSteps(now: number): readonly ReadyStep[] {
  const repositories = [1, 2, 2, 3].map((id) => asRepositoryId(id));
  const usual = (index: number): Omit<ReadyStep, 'drvPath' | 'jobIds'> => ({
    isInternal: false,
    isBumped: false,
    repositoryId: repositories[index % 4] ?? asRepositoryId(1),
    jobCount: 1,
    readySince: toEpochMs(now - 190_000 + index * 9_000),
  });
  return [
    { ...usual(0), drvPath: drv('tarball'), jobIds: ids(3008), isBumped: true },
    {
      ...usual(1),
      drvPath: drv('gcc-14.2.0'),
      jobIds: ids(3001, 3002, 3003),
      jobCount: 31,
      isInternal: true,
    },
    { ...usual(2), drvPath: drv('harbour-docs'), jobIds: ids(3003), jobCount: 3 },
    { ...usual(3), drvPath: drv('gnp.exe'), jobIds: ids(3007) },
    { ...usual(4), drvPath: drv('vm-install'), jobIds: ids(3004) },
    { ...usual(5), drvPath: drv('harbour-server'), jobIds: ids(3005) },
    { ...usual(6), drvPath: drv('harbour-web'), jobIds: ids(3006) },
  ];
}

function builders(now: number): FakeQueueState['builders'] {
  return [
    builderState({ slotsUsed: 4 }),
    builderState({
      name: 'rack-1',
      slotsUsed: 15,
      offer: {
        slots: 16,
        emulatedSystems: ['armv7l-linux'],
        features: ['big-parallel'],
        isSandboxed: false,
        speedFactor: 2,
      },
    }),
    builderState({
      name: 'rack-2',
      state: 'quarantined',
      offer: { slots: 96, features: ['big-parallel', 'gccarch-znver4'], mandatoryFeatures: ['big-parallel'] },
      quarantine: {
        since: toEpochMs(now - 700_000),
        until: toEpochMs(now + 410_000),
        failures: 3,
        reason: 'No space left on its disk: /nix/store is full.',
      },
    }),
    builderState({ name: 'rack-3', slotsUsed: 1, offer: { slots: 16 } }),
    builderState({ name: 'rack-4', offer: { slots: 8, features: [] } }),
    builderState({
      name: 'laptop',
      state: 'absent',
      isExpectedOffline: true,
      leftAt: toEpochMs(now - 8_000_000),
      offer: { systems: ['aarch64-linux'], features: [], slots: 8 },
    }),
  ];
}
