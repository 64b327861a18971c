/**
 * Steps on their way through a builder: leased, rooted and logged before Nix is asked for them, each to one ending.
 * A lease and its log are there before the build, so whatever happens in between, the next start knows of it.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { LeaseId, RepositoryId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { GraphJob, Step } from '../domain/queue/step.ts';
import { outputRoots } from '../domain/root-owners.ts';
import type { Builder, Carried, Direction, DispatchObserver } from '../ports/builder.ts';
import type { HeldBuild } from '../ports/builder-fleet.ts';
import type { Changes } from '../ports/changes.ts';
import type { GcRoots } from '../ports/gc-roots.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { LogStore, LogWriter } from '../ports/log-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import { keepTrying, type PatiencePorts } from './keep-trying.ts';
import { type BatchPorts, runBatch } from './run-batch.ts';
import { tellJobs } from './tell-jobs.ts';

export interface RunPorts extends PatiencePorts, Omit<BatchPorts, 'builder'> {
  readonly jobs: JobStore;
  readonly logs: Pick<LogStore, 'open'>;
  readonly roots: GcRoots;
  readonly changes: Changes;
  readonly metrics: Pick<Metrics, 'closureCarried'>;
}

/** One dispatch of one step. */
export interface Dispatch {
  readonly step: Step;
  readonly drvPath: DerivationPath;
  readonly builder: string;
  readonly isSandboxed: boolean;
  readonly leaseId: LeaseId;
  readonly log: LogWriter;
  /** When its own builder began; undefined for what is not built. */
  startedAt: EpochMs | undefined;
  /** What carrying it took, once it is known. */
  push: Carried | undefined;
  pull: Carried | undefined;
}

export interface Giving {
  readonly step: Step;
  /** Whose turn it was. */
  readonly chargedTo: RepositoryId | null;
}

export interface RunEvents {
  /** The builder has it no more; what became of it is stored when the promise resolves. Must not reject. */
  ended(dispatch: Dispatch, ending: BuildEnding): Promise<void>;
  /** It could not be leased; nobody has it. */
  refused(step: Step): void;
  freed(builder: string, places: number): void;
}

export interface StepRunner {
  /** Never rejects; resolves when everything that came of it is stored. */
  run(builder: Builder, steps: readonly Giving[], places: number): Promise<void>;
  /** A build that a builder went on with while we were away. Never rejects. */
  resume(builder: Builder, held: HeldBuild, step: Step, startedAt: EpochMs | undefined): Promise<void>;
  of(drvPath: DerivationPath): Dispatch | undefined;
  /** The build runs already, for others. */
  join(dispatch: Dispatch, jobs: readonly GraphJob[]): Promise<void>;
}

const NO_WORD = 'The builder ended without a word about this derivation.';

export function createStepRunner(ports: RunPorts, events: RunEvents, signal: AbortSignal): StepRunner {
  const { jobs, logs, roots, changes, clock, log } = ports;
  const current = new Map<DerivationPath, Dispatch>();

  async function rootOutputs(wanting: readonly GraphJob[]): Promise<void> {
    for (const [evaluationId, some] of Map.groupBy(wanting, (job) => job.evaluationId)) {
      await roots.add(
        outputRoots(evaluationId),
        some.flatMap(({ outputs }) => outputs),
      );
    }
  }
  async function join({ leaseId, startedAt }: Dispatch, joining: readonly GraphJob[]): Promise<void> {
    await jobs.join(joining, leaseId, startedAt === undefined ? null : clock.now());
    tellJobs(changes, joining);
    await rootOutputs(joining);
  }
  /** Its lease stays: whoever starts next takes it up again. */
  async function leave(dispatch: Dispatch): Promise<void> {
    try {
      await dispatch.log.close();
    } catch (error) {
      log.error({ err: error, leaseId: dispatch.leaseId }, 'the end of a log could not be written');
    }
    current.delete(dispatch.drvPath);
  }
  async function end(dispatch: Dispatch, ending: BuildEnding): Promise<void> {
    await leave(dispatch);
    await events.ended(dispatch, ending);
  }

  /** Lease, roots and log of one step. Never rejects; undefined when it has ended already, or was refused. */
  async function lease(builder: Builder, { step, chargedTo }: Giving): Promise<Dispatch | undefined> {
    const { drvPath } = step;
    const wanted = step.jobs;
    let leaseId: LeaseId | undefined;
    try {
      leaseId = await keepTrying(ports, 'lease a derivation', signal, () =>
        jobs.lease(drvPath, builder.name, wanted, chargedTo, clock.now()),
      );
    } catch (error) {
      log.error({ err: error, drvPath }, 'a derivation could not be leased');
    }
    if (leaseId === undefined) {
      events.refused(step);
      return undefined;
    }
    const leased = dispatchOf(builder, step, leaseId, undefined);
    try {
      const late = step.jobs.filter((job) => !wanted.includes(job));
      await Promise.all([rootOutputs(wanted), ...(late.length === 0 ? [] : [join(leased, late)])]);
    } catch (error) {
      await end(leased, { kind: 'infrastructure', reason: messageOf(error) });
      return undefined;
    }
    if (step.jobs.length === 0 && step.neededBy.size === 0) {
      await end(leased, { kind: 'cancelled' });
      return undefined;
    }
    return leased;
  }
  function dispatchOf(
    builder: Builder,
    step: Step,
    leaseId: LeaseId,
    startedAt: EpochMs | undefined,
  ): Dispatch {
    const dispatch: Dispatch = {
      step,
      drvPath: step.drvPath,
      builder: builder.name,
      isSandboxed: builder.offer.isSandboxed,
      leaseId,
      log: logs.open(leaseId),
      startedAt,
      push: undefined,
      pull: undefined,
    };
    current.set(step.drvPath, dispatch);
    return dispatch;
  }

  function started(dispatch: Dispatch): void {
    if (dispatch.startedAt === undefined) {
      const at = clock.now();
      dispatch.startedAt = at;
      const wanted = dispatch.step.jobs;
      jobs.begin(wanted, dispatch.leaseId, at).then(
        () => tellJobs(changes, wanted),
        // Only what is shown suffers when it fails: the end of the job is stored all the same.
        (error: unknown) => log.error({ err: error }, 'the start of a build could not be stored'),
      );
    }
  }

  function carrying({ step, leaseId }: Dispatch, direction: Direction): void {
    const wanted = step.jobs;
    jobs.carry(wanted, leaseId, direction, clock.now()).then(
      () => tellJobs(changes, wanted),
      (error: unknown) => log.error({ err: error }, 'the phase of a build could not be stored'),
    );
  }
  function carried(dispatch: Dispatch, direction: Direction, what: Carried): void {
    dispatch[direction] = what;
    ports.metrics.closureCarried(direction, what);
  }

  return {
    join,
    of: (drvPath) => current.get(drvPath),
    run: async (builder, steps, places) => {
      const leased = await Promise.all(steps.map((one) => lease(builder, one)));
      await runBatch(
        { ...ports, builder },
        {
          dispatches: leased.filter((one) => one !== undefined),
          slots: places,
          started,
          lines: (one, lines) => one.log.append(lines),
          ended: end,
          left: leave,
          carrying,
          carried,
          freed: (count) => events.freed(builder.name, count),
        },
        signal,
      );
    },
    resume: async (builder, held, step, startedAt) => {
      const dispatch = dispatchOf(builder, step, held.leaseId, startedAt);
      let told: BuildEnding | undefined;
      const slot = { isFreed: false };
      const observer: DispatchObserver = {
        started: () => started(dispatch),
        lines: (_, lines) => dispatch.log.append(lines),
        ended: (_, ending) => {
          told ??= ending;
        },
        carrying: (_, direction) => {
          carrying(dispatch, direction);
          if (direction === 'pull' && !slot.isFreed) {
            slot.isFreed = true;
            events.freed(builder.name, 1);
          }
        },
        carried: (_, direction, what) => carried(dispatch, direction, what),
      };
      try {
        await held.resume(observer, signal);
      } catch (error) {
        log.error({ err: error, builder: builder.name }, 'a builder met a bug of argunix');
        told ??= { kind: 'infrastructure', reason: `A mistake inside argunix ended it: ${messageOf(error)}` };
      }
      if (told === undefined && signal.aborted) {
        await leave(dispatch);
        return;
      }
      if (!slot.isFreed) {
        events.freed(builder.name, 1);
      }
      await end(dispatch, told ?? { kind: 'infrastructure', reason: NO_WORD });
    },
  };
}
