/** What the queue looks like now, for whoever shows it. */
import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { BuilderState, QueueLine, QueueSnapshot, ReadyStep, RunningStep } from '../queue-snapshot.ts';
import type { ReadyLine } from './ready-lines.ts';
import type { RosterBuilder } from './roster.ts';
import type { Scheduler } from './scheduler.ts';
import type { Step } from './step.ts';
import { whyLine } from './why-waiting.ts';

export interface RunningLease {
  readonly leaseId: LeaseId;
  readonly startedAt: EpochMs | undefined;
}

const MOST_JOBS = 10;
// More than that is told as that many.
const MOST_COUNTED = 1_000;

export function takeSnapshot(
  scheduler: Scheduler,
  leaseOf: (drvPath: DerivationPath) => RunningLease | undefined,
  most: number,
  now: number,
): QueueSnapshot {
  const { graph, lines, taken } = scheduler;
  const running = [...taken.values()].flatMap(({ step, builder }): readonly RunningStep[] => {
    const lease = leaseOf(step.drvPath);
    return lease === undefined ? [] : [{ ...describe(scheduler, step), ...lease, builder }];
  });
  return {
    counts: {
      ready: lines.size,
      waiting: Math.max(0, graph.stepCount - lines.size - taken.size),
      running: running.length,
      internal: graph.stepCount - graph.namedCount,
    },
    lines: [...lines.all()].filter(({ size }) => size > 0).map((line) => toLine(scheduler, line, now)),
    shares: [...scheduler.share.all()].map((meter) => ({
      repositoryId: meter.repositoryId,
      weight: meter.weight,
      ready: meter.ready,
      running: meter.running,
      chargedMs: Math.round(scheduler.share.recentMs(meter, now)),
    })),
    running,
    next: firstOnes(scheduler, most),
  };
}

export function toBuilderState(builder: RosterBuilder): BuilderState {
  const { quarantine } = builder;
  return {
    name: builder.name,
    offer: builder.offer,
    state: stateOf(builder),
    slotsUsed: builder.used,
    isExpectedOffline: builder.isExpectedOffline,
    pause: builder.pause,
    leftAt: builder.isPresent ? null : toEpochMs(builder.leftAt),
    quarantine:
      quarantine === null
        ? null
        : {
            since: toEpochMs(quarantine.since),
            until: toEpochMs(quarantine.until),
            failures: quarantine.failures,
            reason: quarantine.reason,
          },
  };
}

function stateOf({ isPresent, quarantine }: RosterBuilder): BuilderState['state'] {
  if (!isPresent) {
    return 'absent';
  }
  return quarantine === null ? 'ready' : 'quarantined';
}

function toLine(scheduler: Scheduler, line: ReadyLine, now: number): QueueLine {
  const { kind, natives, emulating } = line.desk;
  return {
    system: kind.system,
    requiredFeatures: kind.requiredFeatures,
    isTrusted: kind.isTrusted,
    ready: line.size,
    oldestReadySince: toEpochMs(scheduler.lines.oldestSince(line) ?? now),
    sentence: whyLine(scheduler, line.desk, now).sentence,
    builders: [...natives, ...emulating].map(({ name }) => name).toSorted(),
  };
}

/** In the order of the lines as it is now: it shifts with every build that is charged. */
function firstOnes(scheduler: Scheduler, most: number): readonly ReadyStep[] {
  const { lines } = scheduler;
  const heads = [...lines.all()].flatMap((line) => lines.first(line, most));
  return heads
    .toSorted((one, other) => (lines.isBefore(one, other) ? -1 : 1))
    .slice(0, most)
    .map(({ place, meter }) => ({
      ...describe(scheduler, place.step),
      isBumped: place.bumpedAt > 0,
      repositoryId: meter.repositoryId,
      readySince: toEpochMs(place.readySince),
    }));
}

function describe(
  { graph }: Scheduler,
  step: Step,
): Pick<RunningStep, 'drvPath' | 'isInternal' | 'jobIds' | 'jobCount'> {
  const isInternal = step.jobs.length === 0;
  return {
    drvPath: step.drvPath,
    isInternal,
    jobIds: (isInternal ? graph.wantedBy(step, MOST_JOBS) : step.jobs.slice(0, MOST_JOBS)).map(
      ({ jobId }) => jobId,
    ),
    jobCount: isInternal ? graph.wantedBy(step, MOST_COUNTED).length : step.jobs.length,
  };
}
