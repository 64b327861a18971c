import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { BuilderOffer } from '../coordinator/src/domain/builder-offer.ts';
import { createScheduler, type Scheduler, type Taken } from '../coordinator/src/domain/queue/scheduler.ts';
import { offered, planned, queuedJob, RULES } from '../coordinator/test/queue-fixture.ts';
import { type Bench, toFigure } from './figure.ts';

const REPOSITORIES = 40;
const BUILDERS = 500;
const QUEUED = 200_000;
const SHORT = 2_000;
const DRAINED = 100_000;
const DECISIONS = 5_000;
// Before that, the compiler is measured.
const WARM_UP = 3_000;

// What a large site might have: most are alike, a few are special.
const OFFERS: readonly BuilderOffer[] = [
  offered({ slots: 4, systems: ['x86_64-linux', 'i686-linux'], features: ['big-parallel', 'benchmark'] }),
  offered({ slots: 4, features: ['big-parallel', 'kvm', 'nixos-test'], speedFactor: 2 }),
  offered({ slots: 8, systems: ['aarch64-linux'], features: ['big-parallel'] }),
  offered({ slots: 2, emulatedSystems: ['aarch64-linux'] }),
  offered({ slots: 4, systems: ['x86_64-linux', 'i686-linux'], isSandboxed: false }),
];
const KINDS = [
  { system: 'x86_64-linux', requiredFeatures: [] },
  { system: 'x86_64-linux', requiredFeatures: [] },
  { system: 'aarch64-linux', requiredFeatures: [] },
  { system: 'x86_64-linux', requiredFeatures: ['big-parallel'] },
  { system: 'x86_64-linux', requiredFeatures: ['kvm', 'nixos-test'] },
  { system: 'i686-linux', requiredFeatures: [] },
  { system: 'builtin', requiredFeatures: [] },
] as const;

export const bench: Bench = {
  about: `decisions over ${QUEUED} runnable steps of ${REPOSITORIES} repositories on ${BUILDERS} builders, and ${DRAINED} steps from queue to end`,
  // oxlint-disable-next-line typescript/require-await -- nothing here waits, but a bench may
  async *run() {
    const before = heapBytes();
    const crowded = filled(QUEUED);
    const bytes = (heapBytes() - before) / QUEUED;
    const crowdedUs = decisions(crowded);
    yield toFigure({
      name: 'dispatch.decision',
      unit: 'ms',
      samples: crowdedUs.map((us) => us / 1_000),
      statistic: 'p99',
      atMost: 1,
    });
    yield toFigure({ name: 'dispatch.memory', unit: 'bytes a step', samples: [bytes], atMost: 1_000 });
    const ratios: number[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      ratios.push(median(decisions(filled(QUEUED))) / median(decisions(filled(SHORT))));
    }
    yield toFigure({ name: 'dispatch.long-queue', unit: '× short', samples: ratios, atMost: 2 });
    yield toFigure({ name: 'dispatch.median', unit: 'µs', samples: crowdedUs });
    const drainMs: number[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      const ms = drain(filled(DRAINED));
      // The first warms up.
      drainMs.push(...(turn === 0 ? [] : [ms]));
    }
    yield toFigure({ name: 'dispatch.drain', unit: 'ms', samples: drainMs, atMost: 2_000 });
  },
};

/** Steps that can all run, in pairs: one that a job names, and one inside it. */
function filled(steps: number): Scheduler {
  const scheduler = createScheduler({ ...RULES, weightOf: (id: RepositoryId) => 1 + (id % 3) });
  for (let at = 0; at < BUILDERS; at += 1) {
    scheduler.join(`builder-${at}`, OFFERS[at % OFFERS.length] ?? offered(), false, 0);
  }
  const share = Math.ceil(steps / REPOSITORIES);
  for (let first = 0; first < steps; first += share) {
    const ids = Array.from({ length: Math.min(share, steps - first) }, (_, at) => first + at);
    const repository = 1 + first / share;
    const rank = repository % 3 === 0 ? 2 : 0;
    scheduler.add(
      ids.map((id) =>
        queuedJob(id, `package-${id}`, { repository, rank, evaluation: repository, isTrusted: rank === 0 }),
      ),
      ids.map((id) =>
        planned(`package-${id}`, [], {
          ...KINDS[id % KINDS.length],
          expectedMs: 1_000 + ((id * 7_919) % 60_000),
        }),
      ),
      first,
    );
  }
  return scheduler;
}

/** Microseconds of each; what is taken comes back later, so that the queue is as long at the end as at the beginning. */
function decisions(scheduler: Scheduler): readonly number[] {
  const us: number[] = [];
  const open: Taken[] = [];
  for (let turn = 0; turn < WARM_UP + DECISIONS; turn += 1) {
    const from = performance.now();
    const taken = scheduler.take(turn);
    const took = (performance.now() - from) * 1_000;
    open.push(...(taken === undefined ? [] : [taken]));
    us.push(...(turn < WARM_UP ? [] : [took]));
    // A thousand run: some builders are full, most kinds have somebody.
    const back = open.length > 1_000 ? open.shift() : undefined;
    if (back !== undefined) {
      const { drvPath } = back.step;
      scheduler.release(drvPath, turn);
      scheduler.freePlaces(back.builder, 1);
      scheduler.putBack(drvPath, { wasDispatched: false }, turn);
    }
  }
  return us;
}

function drain(scheduler: Scheduler): number {
  const from = processorUs();
  let open: Taken[] = [];
  for (let now = 0; scheduler.graph.stepCount > 0; now += 1_000) {
    for (let one = scheduler.take(now); one !== undefined; one = scheduler.take(now)) {
      open.push(one);
    }
    const ended = open;
    open = [];
    for (const one of ended) {
      end(scheduler, one, now + 900);
    }
  }
  return (processorUs() - from) / 1_000;
}

function end(scheduler: Scheduler, { step, builder }: Taken, now: number): void {
  scheduler.release(step.drvPath, now);
  scheduler.freePlaces(builder, 1);
  scheduler.forget(step.jobs, now);
  scheduler.finish(step.drvPath, builder, now);
}

/** Of this thread: on a machine that others use too, the clock on the wall measures them. Too coarse for one decision. */
function processorUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

function median(samples: readonly number[]): number {
  return samples.toSorted((one, other) => one - other)[samples.length >> 1] ?? Number.NaN;
}

function heapBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
