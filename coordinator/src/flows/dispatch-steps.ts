/**
 * Keeps every builder busy. It asks the scheduler who gets what whenever something has changed (jobs came, a place is
 * free, a builder came or went, a wait is over), gives that out, and takes back what has to be tried again. Nothing is
 * polled. Everything here can be made again from the store (`start`), so a crash loses only the builds that ran on this
 * host; what agents went on with is taken up again.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import { readableReason } from '@argunix/shared/domain/readable-reason';
import { storePathName } from '@argunix/shared/domain/store-path';
import { batchSize } from '../domain/batch-size.ts';
import type { JobAttempt } from '../domain/job-attempt.ts';
import { createScheduler, type Lost, type Taken } from '../domain/queue/scheduler.ts';
import type { GraphJob, Step } from '../domain/queue/step.ts';
import { takeSnapshot, toBuilderState } from '../domain/queue/take-snapshot.ts';
import { whyLost, whyWaiting } from '../domain/queue/why-waiting.ts';
import type { Builder } from '../ports/builder.ts';
import type { BuilderFleet, FleetEvent } from '../ports/builder-fleet.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Queue } from '../ports/queue.ts';
import type { DispatchSettings } from '../ports/settings.ts';
import { type AdoptPorts, adoptJobs, type FailedBefore } from './adopt-jobs.ts';
import { createAlarm } from './alarm.ts';
import { finishEvaluation } from './finish-evaluation.ts';
import { createReclaim } from './reclaim-leases.ts';
import { createRestingSteps, type Rest } from './rest-steps.ts';
import { createStepRunner, type Dispatch, type RunPorts } from './run-steps.ts';
import { createSettling, type SettlePorts } from './settle-step.ts';

export interface DispatchPorts extends Omit<SettlePorts, 'jobs'>, AdoptPorts, Omit<RunPorts, 'jobs'> {
  readonly fleet: BuilderFleet;
  readonly settings: DispatchSettings;
  readonly metrics: Pick<
    Metrics,
    'jobEnded' | 'buildEnded' | 'closureCarried' | 'dispatchDecided' | 'evaluationEnded'
  >;
  readonly evaluations: SettlePorts['evaluations'];
}

export interface Dispatcher extends Queue {
  /**
   * Takes over the evaluations that build, then builders and their leases, and begins to give out: nothing is given out
   * before, so that no build is begun beside one that goes on elsewhere. Nobody need wait for it.
   */
  start(building?: readonly EvaluationId[]): Promise<void>;
  /** Takes over the unfinished jobs of an evaluation that is `building`; the evaluation is done when there are none. */
  adopt(evaluationId: EvaluationId): Promise<void>;
  /** The same for whoever has no need to wait: Nix may have to ask slow caches first. */
  takeOver(evaluationId: EvaluationId): void;
  /** These jobs have been ended by someone else; builds that nobody wants any more are stopped. */
  forget(evaluationId: EvaluationId, jobs: readonly JobAttempt[]): Promise<void>;
  /** Jobs of the same evaluation that cannot be had without this one. */
  dependentsOf(jobId: JobId): readonly GraphJob[];
  /** The settings, or what is expected of builders, may have changed: who may take what is judged anew. */
  reconsider(): void;
  readonly slotsUsed: number;
  /** Gives out nothing more, ends what is being built and puts it back in the queue. */
  stop(): Promise<void>;
}

// What nobody knows how long it takes is put together with others only while it is expected to be short.
const SHORT_MS = 2_000;
// A page that follows the queue needs no more than this.
const TELL_MS = 500;
const NO_LEASE = 'Its derivation is leased already; it is tried again when that lease has ended.';
// Who built much before a restart does not begin as if it had built nothing.
const RECENT_MS = 3_600_000;

export function createDispatcher(ports: DispatchPorts): Dispatcher {
  const { jobs, fleet, clock, log, settings } = ports;
  const scheduler = createScheduler(settings);
  const builders = new Map<string, Builder>();
  const background = new Set<Promise<void>>();
  const stopping = new AbortController();
  const settling = createSettling(ports, scheduler, stopping.signal);
  const runner = createStepRunner(
    ports,
    {
      ended: onEnded,
      refused: (step) => {
        scheduler.release(step.drvPath, clock.now());
        log.warn({ drvPath: step.drvPath }, 'a derivation has a lease already, or could not get one');
        putBackLater(step, { afterMs: ports.retryMs, reason: NO_LEASE, wasDispatched: false });
      },
      freed: (builder, places) => {
        scheduler.freePlaces(builder, places);
        wake();
      },
    },
    stopping.signal,
  );
  const reclaim = createReclaim(ports, scheduler, {
    resume: (builder, held, lease, step) =>
      void inBackground(
        'go on with a build',
        runner.resume(builder, held, step, lease.startedAt ?? undefined),
      ),
    lost: (step) => putBack(step, true),
    signal: stopping.signal,
    get graceMs() {
      return settings.builderWaitMs;
    },
  });
  const resting = createRestingSteps(clock, putBack, stopping.signal);
  const alarm = createAlarm(clock, wake, stopping.signal);
  let isStarted = false;
  /** What was told while it was taken up what there is. */
  const early: FleetEvent[] = [];
  let stopListening: (() => void) | undefined;
  let isTelling = false;

  /** Resolves when it is over, however it ended. */
  function inBackground(what: string, work: Promise<void>): Promise<void> {
    const guarded = work.catch((error: unknown) => {
      // While stopping, what the store did not take is found again by the next start.
      log.error({ err: error, what }, 'something in the background failed');
    });
    background.add(guarded);
    return guarded.then(() => void background.delete(guarded));
  }

  /** Gives out what can be given out, ends what nobody will build, and sees to it that it is asked again in time. */
  function wake(): void {
    if (!isStarted || stopping.signal.aborted) {
      return;
    }
    const decidedFrom = performance.now();
    const now = clock.now();
    const given = new Map<string, Taken[]>();
    for (let taken = scheduler.take(now); taken !== undefined; taken = scheduler.take(now)) {
      given.set(taken.builder, [...(given.get(taken.builder) ?? []), taken]);
    }
    for (const [name, taken] of given) {
      giveOut(name, [...taken, ...takeMore(name, taken.length, now)], taken.length);
    }
    if (given.size > 0) {
      ports.metrics.dispatchDecided(performance.now() - decidedFrom);
    }
    for (const lost of scheduler.takeLost(now)) {
      void inBackground('end a step that nobody will build', giveUp(lost));
    }
    alarm.set(scheduler.nextChange(now));
    tellQueue();
  }
  /** Short work shares a process: starting one costs as much as a trivial build. */
  function takeMore(name: string, places: number, now: number): readonly Taken[] {
    const size = batchSize(scheduler.lines.size + places, places, Math.max(places, scheduler.roster.slots));
    const more: Taken[] = [];
    while (more.length < size - places) {
      const taken = scheduler.takeMore(name, SHORT_MS, now);
      if (taken === undefined) {
        break;
      }
      more.push(taken);
    }
    return more;
  }
  function giveOut(name: string, taken: readonly Taken[], places: number): void {
    const builder = builders.get(name);
    if (builder === undefined) {
      throw new Error(`the scheduler gave work to ${name}, which is not here`);
    }
    const steps = taken.map(({ step, meter }) => ({ step, chargedTo: meter?.repositoryId ?? null }));
    void inBackground('build', runner.run(builder, steps, places));
  }
  function tellQueue(): void {
    if (!isTelling) {
      isTelling = true;
      void inBackground(
        'tell of the queue',
        clock.sleep(TELL_MS, stopping.signal).then(() => {
          isTelling = false;
          ports.changes.tell({ kind: 'queue' });
        }),
      );
    }
  }

  async function giveUp(lost: Lost): Promise<void> {
    const reason = whyLost(scheduler, lost);
    const ending = { kind: lost.why === 'hopeless' ? 'unsupported' : 'gave_up', reason } as const;
    log.warn({ drvPath: lost.step.drvPath, reason }, 'a step is given up');
    stopUnwanted(await settling.giveUp(lost.step, ending, null));
    wake();
  }
  async function failAgain({ step, drvPath, failed }: FailedBefore): Promise<void> {
    const inner = drvPath === step.drvPath ? '' : `It needs ${storePathName(drvPath)}. `;
    const reason = `${inner}${readableReason(failed.reason)}\nIt failed so not long ago and was not built again. Restart the job to build it anyway.`;
    stopUnwanted(await settling.giveUp(step, { kind: 'failed_before', reason }, failed.jobId));
    wake();
  }

  /** Never rejects: what could not be stored by now is found again by the next start. */
  async function onEnded(dispatch: Dispatch, ending: BuildEnding): Promise<void> {
    const { step, drvPath } = dispatch;
    scheduler.release(drvPath, clock.now());
    try {
      const settled = await settling.settle(dispatch, ending);
      if (settled.kind === 'again') {
        putBackLater(step, { ...settled, wasDispatched: ending.kind !== 'returned' });
      } else {
        stopUnwanted(settled.unwanted);
      }
    } catch (error) {
      log.error({ err: error, drvPath, ending }, 'the end of a build could not be stored');
    }
    wake();
  }
  function putBack({ drvPath }: Step, wasDispatched: boolean): void {
    stopUnwanted(scheduler.putBack(drvPath, { wasDispatched }, clock.now()));
    wake();
  }
  /** Back in line after a wait that holds nobody up. */
  function putBackLater(step: Step, rest: Rest): void {
    void inBackground('put a derivation back in line', resting.rest(step, rest));
  }
  function stopUnwanted(unwanted: readonly Step[]): void {
    for (const { drvPath } of unwanted) {
      const dispatch = runner.of(drvPath);
      if (dispatch !== undefined) {
        builders.get(dispatch.builder)?.cancel(dispatch.leaseId);
      }
      resting.abort(drvPath);
      reclaim.drop(drvPath);
    }
  }

  function onFleet(event: FleetEvent): void {
    const now = clock.now();
    switch (event.kind) {
      case 'joined': {
        const { builder, held } = event;
        builders.set(builder.name, builder);
        scheduler.join(builder.name, builder.offer, fleet.isExpectedOffline(builder.name), now);
        reclaim.joined(builder, held);
        break;
      }
      case 'paused':
        scheduler.pause(event.name, event.reason);
        break;
      case 'left':
        scheduler.leave(event.name, event.at);
        break;
      case 'removed':
        scheduler.remove(event.name, now);
        reclaim.removed(event.name);
        break;
    }
    wake();
  }

  function added(piece: readonly GraphJob[], failed: readonly FailedBefore[]): void {
    for (const [drvPath, joining] of Map.groupBy(piece, (job) => job.drvPath)) {
      const shared = runner.of(drvPath);
      if (shared !== undefined) {
        void inBackground('join a build that is under way', runner.join(shared, joining));
      }
    }
    for (const one of failed) {
      void inBackground('end what failed before', failAgain(one));
    }
    wake();
  }

  async function adopt(evaluationId: EvaluationId): Promise<void> {
    await adoptJobs(ports, scheduler, evaluationId, added, stopping.signal);
    wake();
    await finishEvaluation(ports, evaluationId, stopping.signal);
  }
  function takeOver(evaluationId: EvaluationId): Promise<void> {
    return inBackground('take over an evaluation', adopt(evaluationId));
  }
  async function startUp(building: readonly EvaluationId[]): Promise<void> {
    stopListening = fleet.listen((event) => (isStarted ? onFleet(event) : early.push(event)));
    await Promise.all(building.map(takeOver));
    const now = clock.now();
    for (const { name, offer, leftAt } of fleet.absent) {
      scheduler.expect(name, offer, fleet.isExpectedOffline(name), Math.max(leftAt, now));
    }
    for (const builder of fleet.present) {
      builders.set(builder.name, builder);
      scheduler.join(builder.name, builder.offer, fleet.isExpectedOffline(builder.name), now);
    }
    for (const [repositoryId, ms] of jobs.recentUse(toEpochMs(now - RECENT_MS))) {
      scheduler.recall(repositoryId, ms, now);
    }
    await reclaim.start(jobs.activeLeases());
    isStarted = true;
    for (const event of early.splice(0)) {
      onFleet(event);
    }
    wake();
  }

  return {
    start: (building = []) => inBackground('take up what there is', startUp(building)),
    takeOver: (evaluationId) => void takeOver(evaluationId),
    adopt,
    forget: async (evaluationId, gone) => {
      stopUnwanted(scheduler.forget(gone, clock.now()));
      wake();
      await finishEvaluation(ports, evaluationId, stopping.signal);
    },
    dependentsOf: (jobId) => scheduler.graph.dependentsOf(jobId),
    reconsider: () => {
      scheduler.reconsider((name) => fleet.isExpectedOffline(name), clock.now());
      wake();
      tellQueue();
    },
    bump: (jobIds) => {
      scheduler.bump(jobIds, clock.now());
      tellQueue();
    },
    why: (jobId) => {
      const step = scheduler.graph.stepOf(jobId);
      const dispatch = step === undefined ? undefined : runner.of(step.drvPath);
      return step === undefined || dispatch?.startedAt !== undefined
        ? undefined
        : whyWaiting(scheduler, step, dispatch?.builder, resting.of(step.drvPath), clock.now());
    },
    snapshot: (next) => takeSnapshot(scheduler, (drvPath) => runner.of(drvPath), next, clock.now()),
    builders: () => [...scheduler.roster.all()].map(toBuilderState),
    get slotsUsed() {
      return [...scheduler.roster.all()].reduce((sum, { used }) => sum + used, 0);
    },
    stop: async () => {
      stopListening?.();
      stopping.abort();
      while (background.size > 0) {
        await Promise.all(background);
      }
    },
  };
}
