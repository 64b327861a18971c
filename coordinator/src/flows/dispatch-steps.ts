/**
 * Keeps the builder busy. It holds the graph of what waits for what, gives ready steps to the builder as long as it
 * has a free slot, and takes back what has to be tried again. Everything here can be made again from the store
 * (`adopt`), so a crash loses only the builds that ran.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId, LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { messageOf } from '@argunix/shared/kit/app-error';
import { batchSize } from '../domain/batch-size.ts';
import { createBuildGraph, type GraphJob } from '../domain/build-graph.ts';
import type { JobAttempt } from '../domain/job-attempt.ts';
import { outputRoots } from '../domain/root-owners.ts';
import type { StoredJob } from '../ports/job-store.ts';
import type { LogStore, LogWriter } from '../ports/log-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { StoreReader } from '../ports/store-reader.ts';
import { findNeeds } from './find-needs.ts';
import { finishEvaluation } from './finish-evaluation.ts';
import { keepTrying } from './keep-trying.ts';
import { type BatchPorts, runBatch } from './run-batch.ts';
import { createSettling, type SettlePorts } from './settle-step.ts';
import { outputPaths } from './store-found-jobs.ts';
import { tellJobs } from './tell-jobs.ts';

export interface DispatchPorts extends SettlePorts, BatchPorts {
  readonly logs: Pick<LogStore, 'open'>;
  readonly store: Pick<StoreReader, 'inputDerivations'>;
  readonly metrics: Pick<Metrics, 'jobEnded' | 'buildEnded' | 'dispatchDecided' | 'evaluationEnded'>;
}

export interface Dispatcher {
  /** Takes over the unfinished jobs of an evaluation that is `building`; the evaluation is done when there are none. */
  adopt(evaluationId: EvaluationId): Promise<void>;
  /** These jobs have been ended by someone else; builds that nobody wants any more are stopped. */
  forget(evaluationId: EvaluationId, jobs: readonly JobAttempt[]): Promise<void>;
  /** Jobs of the same evaluation that cannot be had without this one. */
  dependentsOf(jobId: JobId): readonly GraphJob[];
  /** The step that this job waits for, if it waits for one. */
  heldBy(jobId: JobId): DerivationPath | undefined;
  /** What the host spoiled of the step that this job wants, when that is why it waits. */
  spoiledBy(jobId: JobId): string | undefined;
  readonly slotsUsed: number;
  /** Gives out nothing more, ends what is being built and puts it back in the queue. */
  stop(): Promise<void>;
}

/** One dispatch of one step. */
interface Dispatch {
  readonly drvPath: DerivationPath;
  readonly leaseId: LeaseId;
  readonly log: LogWriter;
  /** When its own builder began; undefined for what is not built. */
  startedAt: EpochMs | undefined;
}

// Some 3 ms of reading.
const PAGE = 1_000;
const NO_LEASE = 'Its derivation is leased already; it is tried again when that lease has ended.';

export function createDispatcher(ports: DispatchPorts): Dispatcher {
  const { jobs, builder, logs, clock, log, roots } = ports;
  const graph = createBuildGraph();
  /** Steps that the builder has, by derivation. */
  const current = new Map<DerivationPath, Dispatch>();
  /** Steps that wait for their next try, and why. */
  const waits = new Map<DerivationPath, { readonly reason: string; readonly wait: AbortController }>();
  const background = new Set<Promise<void>>();
  const stopping = new AbortController();
  const settle = createSettling(ports, graph, stopping.signal);
  let freeSlots = builder.offer.slots;

  function inBackground(what: string, work: Promise<void>): void {
    const guarded = work.catch((error: unknown) => {
      // While stopping, what the store did not take is found again by the next start.
      log.error({ err: error, what }, 'something in the background failed');
    });
    background.add(guarded);
    void guarded.then(() => background.delete(guarded));
  }

  async function adopt(evaluationId: EvaluationId): Promise<void> {
    const unfinished = await readUnfinished(evaluationId);
    const needs = await findNeeds(new Set(unfinished.map(({ drvPath }) => drvPath)), ports.store);
    // Meanwhile some may have been cancelled or restarted: what is stored now counts.
    const attempts = jobs.unfinishedAttempts(evaluationId);
    const found = unfinished.filter((job) => attempts.get(job.jobId) === job.attempt && !graph.has(job));
    graph.add(found.map((job) => [job, needs.get(job.drvPath) ?? []] as const));
    for (const [drvPath, joining] of Map.groupBy(found, (job) => job.drvPath)) {
      const shared = current.get(drvPath);
      if (shared !== undefined) {
        inBackground('join a build that is under way', join(shared, joining));
      }
    }
    wake();
    await finishEvaluation(ports, evaluationId, stopping.signal);
  }

  /** Page by page: thousands of rows at once would hold up everybody else. */
  async function readUnfinished(evaluationId: EvaluationId): Promise<readonly GraphJob[]> {
    const read: GraphJob[] = [];
    for (let after: string | null = null; ; ) {
      const page: readonly StoredJob[] = jobs.unfinished(evaluationId, { after, limit: PAGE });
      read.push(...page.flatMap(toGraphJob));
      after = page.at(-1)?.attr ?? null;
      if (page.length < PAGE) {
        // First found, first in line.
        return read.toSorted((one, other) => one.jobId - other.jobId);
      }
      await clock.sleep(0);
    }
  }

  /** Its build runs already, for others. */
  async function join({ leaseId, startedAt }: Dispatch, joining: readonly GraphJob[]): Promise<void> {
    await jobs.join(joining, leaseId, startedAt === undefined ? null : clock.now());
    tellJobs(ports.changes, joining);
    await rootOutputs(joining);
  }

  async function rootOutputs(wanting: readonly GraphJob[]): Promise<void> {
    for (const [evaluationId, some] of Map.groupBy(wanting, (job) => job.evaluationId)) {
      await roots.add(
        outputRoots(evaluationId),
        some.flatMap(({ outputs }) => outputs),
      );
    }
  }

  function wake(): void {
    while (freeSlots > 0 && graph.readyCount > 0 && !stopping.signal.aborted) {
      const decidedFrom = performance.now();
      const slots = Math.min(freeSlots, graph.readyCount);
      const steps = graph.take(batchSize(graph.readyCount, slots, builder.offer.slots));
      freeSlots -= slots;
      ports.metrics.dispatchDecided(performance.now() - decidedFrom);
      inBackground('build a batch', giveOut(steps, slots));
    }
  }

  async function giveOut(steps: readonly DerivationPath[], slots: number): Promise<void> {
    const leased = await Promise.all(steps.map(lease));
    await runBatch(
      ports,
      {
        dispatches: leased.filter((one) => one !== undefined),
        slots,
        started: onStarted,
        lines: (one, lines) => one.log.append(lines),
        ended: onEnded,
        freed: (count) => {
          freeSlots += count;
          wake();
        },
      },
      stopping.signal,
    );
  }

  /** Lease, roots and log of one step, before Nix is asked for it. Never rejects. */
  async function lease(drvPath: DerivationPath): Promise<Dispatch | undefined> {
    const wanted = graph.jobsOf(drvPath);
    let leaseId: LeaseId | undefined;
    try {
      leaseId = await keepTrying(ports, 'lease a derivation', stopping.signal, () =>
        jobs.lease(drvPath, builder.name, wanted, null, clock.now()),
      );
    } catch (error) {
      log.error({ err: error, drvPath }, 'a derivation could not be leased');
    }
    if (leaseId === undefined) {
      log.warn({ drvPath }, 'a derivation has a lease already, or could not get one; it is tried again');
      putBackLater(drvPath, { afterMs: ports.retryMs, reason: NO_LEASE, wasDispatched: false });
      return undefined;
    }
    const leased = { drvPath, leaseId, log: logs.open(leaseId), startedAt: undefined };
    current.set(drvPath, leased);
    try {
      const late = graph.jobsOf(drvPath).filter((job) => !wanted.includes(job));
      await Promise.all([rootOutputs(wanted), ...(late.length === 0 ? [] : [join(leased, late)])]);
    } catch (error) {
      await onEnded(leased, { kind: 'infrastructure', reason: messageOf(error) });
      return undefined;
    }
    if (graph.jobsOf(drvPath).length === 0) {
      await onEnded(leased, { kind: 'cancelled' });
      return undefined;
    }
    return leased;
  }

  function onStarted(started: Dispatch): void {
    if (started.startedAt === undefined) {
      const at = clock.now();
      started.startedAt = at;
      const wanted = graph.jobsOf(started.drvPath);
      // Only what is shown suffers when it fails: the end of the job is stored all the same.
      inBackground(
        'store the start of a build',
        jobs.begin(wanted, started.leaseId, at).then(() => tellJobs(ports.changes, wanted)),
      );
    }
  }

  /** Never rejects: what could not be stored by now is found again by the next start. */
  async function onEnded(ended: Dispatch, ending: BuildEnding): Promise<void> {
    try {
      await ended.log.close();
      current.delete(ended.drvPath);
      const settled = await settle(ended, ending);
      if (settled.kind === 'again') {
        putBackLater(ended.drvPath, { ...settled, wasDispatched: true });
      }
    } catch (error) {
      log.error({ err: error, drvPath: ended.drvPath, ending }, 'the end of a build could not be stored');
    }
    wake();
  }

  /** Back in line after a wait that holds nobody up. */
  function putBackLater(
    drvPath: DerivationPath,
    {
      afterMs,
      reason,
      wasDispatched,
    }: { readonly afterMs: number; readonly reason: string; readonly wasDispatched: boolean },
  ): void {
    const wait = new AbortController();
    waits.set(drvPath, { reason, wait });
    inBackground(
      'put a derivation back in line',
      clock.sleep(afterMs, AbortSignal.any([wait.signal, stopping.signal])).then(() => {
        waits.delete(drvPath);
        graph.putBack(drvPath, { wasDispatched });
        wake();
      }),
    );
  }

  return {
    adopt,
    forget: async (evaluationId, gone) => {
      for (const drvPath of graph.forget(gone)) {
        const unwanted = current.get(drvPath);
        if (unwanted !== undefined) {
          builder.cancel(unwanted.leaseId);
        }
        waits.get(drvPath)?.wait.abort();
      }
      wake();
      await finishEvaluation(ports, evaluationId, stopping.signal);
    },
    dependentsOf: (jobId) => graph.dependentsOf(jobId),
    heldBy: (jobId) => graph.heldBy(jobId),
    spoiledBy: (jobId) => {
      const drvPath = graph.derivationOf(jobId);
      return drvPath === undefined ? undefined : waits.get(drvPath)?.reason;
    },
    get slotsUsed() {
      return builder.offer.slots - freeSlots;
    },
    stop: async () => {
      stopping.abort();
      while (background.size > 0) {
        await Promise.all(background);
      }
    },
  };
}

function toGraphJob({
  id,
  attempt,
  evaluationId,
  attr,
  system,
  drvPath,
  outputs,
  leaseId,
}: StoredJob): readonly GraphJob[] {
  return drvPath === null
    ? []
    : [
        {
          jobId: id,
          attempt,
          evaluationId,
          attr,
          system,
          drvPath,
          outputs: outputPaths({ outputs }),
          wasDispatched: leaseId !== null,
        },
      ];
}
