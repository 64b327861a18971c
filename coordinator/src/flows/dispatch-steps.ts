/**
 * Keeps the builder busy. It holds the graph of what waits for what, gives ready steps to the builder as long as it
 * has a free slot, and stores every ending before it acts on it. Everything here can be made again from the store
 * (`adopt`), so a crash loses only the builds that ran.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId, LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { Logger } from '@argunix/shared/kit/logger';
import { batchSize } from '../domain/batch-size.ts';
import { createBuildGraph, type GraphJob } from '../domain/build-graph.ts';
import {
  type FinalEnding,
  isGoodEnding,
  judgeBuild,
  judgeDependent,
  type Verdict,
} from '../domain/build-verdict.ts';
import { retryDelayMs } from '../domain/retry-delay.ts';
import { outputRoots } from '../domain/root-owners.ts';
import type { Builder, BuildLimits } from '../ports/builder.ts';
import type { JobStore, StoredJob } from '../ports/job-store.ts';
import type { LogStore, LogWriter } from '../ports/log-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { StoreReader } from '../ports/store-reader.ts';
import { findNeeds } from './find-needs.ts';
import { type FinishPorts, finishEvaluation } from './finish-evaluation.ts';
import { keepTrying } from './keep-trying.ts';
import { outputPaths } from './store-found-jobs.ts';

export interface DispatchPorts extends FinishPorts {
  readonly jobs: JobStore;
  readonly builder: Builder;
  readonly logs: Pick<LogStore, 'open'>;
  readonly store: StoreReader;
  readonly limits: BuildLimits;
  readonly retries: number;
  readonly retryMs: number;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'jobEnded' | 'buildEnded' | 'dispatchDecided' | 'evaluationEnded'>;
}

export interface Dispatcher {
  /** Takes over the unfinished jobs of an evaluation that is `building`; the evaluation is done when there are none. */
  adopt(evaluationId: EvaluationId): Promise<void>;
  /** These jobs have been ended by someone else; builds that nobody wants any more are stopped. */
  forget(evaluationId: EvaluationId, jobIds: readonly JobId[]): Promise<void>;
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
  hasEnded: boolean;
}

export function createDispatcher(ports: DispatchPorts): Dispatcher {
  const { jobs, builder, logs, clock, log } = ports;
  const graph = createBuildGraph();
  const stored = new Map<JobId, StoredJob>();
  const unfinished = new Map<EvaluationId, number>();
  const current = new Map<DerivationPath, Dispatch>();
  const failures = new Map<DerivationPath, { readonly count: number; readonly reason: string }>();
  const batches = new Set<Promise<void>>();
  const stopping = new AbortController();
  let freeSlots = builder.slots;
  const keep = <T>(what: string, action: () => Promise<T>): Promise<T> =>
    keepTrying(ports, what, stopping.signal, action);

  async function adopt(evaluationId: EvaluationId): Promise<void> {
    const found = jobs.unfinished(evaluationId).filter(({ id }) => !stored.has(id));
    unfinished.set(evaluationId, (unfinished.get(evaluationId) ?? 0) + found.length);
    const buildable = found.flatMap((job) => {
      const graphJob = toGraphJob(job);
      if (graphJob === undefined) {
        return [];
      }
      stored.set(job.id, job);
      return [graphJob];
    });
    const needs = await findNeeds(new Set(buildable.map(({ drvPath }) => drvPath)), ports.store);
    // Cancelled while the derivations were read: nobody would end a build of it again.
    const wanted = buildable.filter(({ jobId }) => stored.has(jobId));
    graph.add(wanted.map((job) => [job, needs.get(job.drvPath) ?? []] as const));
    await finishIfDone(evaluationId);
    wake();
  }

  function wake(): void {
    while (freeSlots > 0 && graph.readyCount > 0 && !stopping.signal.aborted) {
      const decidedFrom = performance.now();
      const slots = Math.min(freeSlots, graph.readyCount);
      const steps = graph.take(batchSize(graph.readyCount, slots));
      freeSlots -= slots;
      ports.metrics.dispatchDecided(performance.now() - decidedFrom);
      const batch = runBatch(
        steps.map(({ drvPath }) => drvPath),
        slots,
      );
      batches.add(batch);
      void batch.finally(() => batches.delete(batch));
    }
  }

  /** Never rejects. Slots that the batch cannot fill any more go back while its last steps still build. */
  async function runBatch(drvPaths: readonly DerivationPath[], slots: number): Promise<void> {
    let open = drvPaths.length;
    let held = slots;
    const giveBack = (): void => {
      const needed = Math.min(slots, open);
      freeSlots += held - needed;
      held = needed;
    };
    try {
      const dispatches = (await Promise.all(drvPaths.map(prepare))).filter(
        (dispatch) => dispatch !== undefined,
      );
      open = dispatches.length;
      const endings: Promise<void>[] = [];
      const byLease = new Map(dispatches.map((dispatch) => [dispatch.leaseId, dispatch]));
      const onEnded = (dispatch: Dispatch, ending: BuildEnding): void => {
        if (!dispatch.hasEnded) {
          dispatch.hasEnded = true;
          open -= 1;
          giveBack();
          endings.push(settle(dispatch, ending).then(wake));
        }
      };
      for (const dispatch of dispatches.filter(({ drvPath }) => graph.jobsOf(drvPath).length === 0)) {
        onEnded(dispatch, { kind: 'cancelled' });
      }
      await builder.build(
        dispatches.filter((dispatch) => !dispatch.hasEnded),
        slots,
        ports.limits,
        {
          started: (leaseId) => void onStarted(byLease.get(leaseId)),
          lines: (leaseId, lines) => byLease.get(leaseId)?.log.append(lines),
          ended: (leaseId, ending) => {
            const dispatch = byLease.get(leaseId);
            if (dispatch !== undefined) {
              onEnded(dispatch, ending);
            }
          },
        },
        stopping.signal,
      );
      for (const dispatch of dispatches) {
        onEnded(dispatch, {
          kind: 'infrastructure',
          reason: 'The builder ended without a word about this derivation.',
        });
      }
      await Promise.all(endings);
    } catch (error) {
      // Only the store can throw here; its jobs stay as they are stored, and the next start takes them up.
      log.error({ err: error }, 'a batch of builds could not be stored');
    } finally {
      open = 0;
      giveBack();
      wake();
    }
  }

  /** Lease, roots and log of one step, before Nix is asked for it. */
  async function prepare(drvPath: DerivationPath): Promise<Dispatch | undefined> {
    const wanted = graph.jobsOf(drvPath);
    const leaseId = await keep('lease a derivation', () =>
      jobs.lease(drvPath, builder.name, wanted, clock.now()),
    );
    if (leaseId === undefined) {
      log.warn({ drvPath }, 'a derivation is leased already; it waits for that lease');
      await clock.sleep(ports.retryMs, stopping.signal);
      graph.putBack(drvPath);
      return undefined;
    }
    for (const job of wanted) {
      const paths = outputPaths(stored.get(job.jobId) ?? { outputs: {} });
      await keep('root outputs', () => ports.roots.add(outputRoots(job.evaluationId), paths));
    }
    const dispatch = {
      drvPath,
      leaseId,
      log: logs.open(leaseId),
      startedAt: undefined,
      hasEnded: false,
    };
    current.set(drvPath, dispatch);
    return dispatch;
  }

  async function onStarted(dispatch: Dispatch | undefined): Promise<void> {
    if (dispatch !== undefined && dispatch.startedAt === undefined) {
      dispatch.startedAt = clock.now();
      const started = graph.jobsOf(dispatch.drvPath);
      try {
        await jobs.begin(started, dispatch.startedAt);
        tellJobs(started);
      } catch (error) {
        // Only what is shown suffers: the end of the job is stored all the same.
        log.error({ err: error }, 'the start of a build could not be stored');
      }
    }
  }

  async function settle(dispatch: Dispatch, ending: BuildEnding): Promise<void> {
    const { drvPath, leaseId } = dispatch;
    await dispatch.log.close();
    current.delete(drvPath);
    if (ending.kind === 'cancelled' || ending.kind === 'infrastructure') {
      await tryAgain(dispatch, ending);
      return;
    }
    failures.delete(drvPath);
    if (dispatch.startedAt !== undefined) {
      ports.metrics.buildEnded(systemOf(drvPath), clock.now() - dispatch.startedAt);
    }
    await store(drvPath, ending, { id: leaseId, ending: ending.kind });
  }

  /** Stopped or spoiled: back in line when somebody still wants it, given up when the host spoils it again and again. */
  async function tryAgain(
    { drvPath, leaseId }: Dispatch,
    ending: Extract<BuildEnding, { kind: 'cancelled' | 'infrastructure' }>,
  ): Promise<void> {
    const wanted = graph.jobsOf(drvPath);
    if (wanted.length === 0) {
      failures.delete(drvPath);
      await store(drvPath, { kind: 'substituted' }, { id: leaseId, ending: 'nobody wants it any more' });
      return;
    }
    const count = (failures.get(drvPath)?.count ?? 0) + 1;
    if (ending.kind === 'infrastructure' && count > ports.retries) {
      failures.delete(drvPath);
      await store(
        drvPath,
        { kind: 'gave_up', reason: `Tried ${count} times: ${ending.reason}` },
        { id: leaseId, ending: 'infrastructure' },
      );
      return;
    }
    await keep('queue a job again', () => jobs.requeue(wanted, leaseId, clock.now()));
    for (const { jobId } of wanted) {
      const job = stored.get(jobId);
      if (job !== undefined) {
        stored.set(jobId, { ...job, leaseId });
      }
    }
    if (ending.kind === 'infrastructure') {
      log.warn({ drvPath, count, reason: ending.reason }, 'a build is tried again');
      failures.set(drvPath, {
        count,
        reason: `It is tried again (${count} of ${ports.retries}): ${ending.reason}`,
      });
    }
    tellJobs(wanted);
    if (ending.kind === 'infrastructure') {
      await clock.sleep(retryDelayMs(ports.retryMs, count), stopping.signal);
    }
    graph.putBack(drvPath);
  }

  /** What ended and what ended by it, in one transaction; nothing that follows from it is done before it is durable. */
  async function store(
    drvPath: DerivationPath,
    ending: FinalEnding,
    lease: { readonly id: LeaseId; readonly ending: string },
  ): Promise<void> {
    const { jobs: own, dependents } = graph.end(drvPath, isGoodEnding(ending));
    const verdicts: readonly Verdict[] = [
      ...own.map((job) => judgeBuild(job, ending, isLeased(job.jobId))),
      ...dependents.map(judgeDependent),
    ];
    const at = clock.now();
    await keep('store an ending', () => jobs.settle(verdicts, lease, at));
    const ended = [...own, ...dependents.map(({ job }) => job)];
    for (const { jobId, status } of verdicts) {
      ports.metrics.jobEnded(status, stored.get(jobId)?.system ?? 'unknown');
    }
    tellJobs(ended);
    await leave(ended);
  }

  function systemOf(drvPath: DerivationPath): string {
    const [job] = graph.jobsOf(drvPath);
    return (job === undefined ? undefined : stored.get(job.jobId)?.system) ?? 'unknown';
  }

  /** An earlier dispatch of this attempt was interrupted. */
  function isLeased(jobId: JobId): boolean {
    const job = stored.get(jobId);
    return job !== undefined && job.leaseId !== null;
  }

  async function leave(ended: readonly Pick<GraphJob, 'jobId' | 'evaluationId'>[]): Promise<void> {
    for (const { jobId, evaluationId } of ended) {
      if (stored.delete(jobId)) {
        unfinished.set(evaluationId, (unfinished.get(evaluationId) ?? 0) - 1);
      }
    }
    for (const id of new Set(ended.map(({ evaluationId }) => evaluationId))) {
      await finishIfDone(id);
    }
  }

  async function finishIfDone(evaluationId: EvaluationId): Promise<void> {
    if (unfinished.get(evaluationId) === 0) {
      unfinished.delete(evaluationId);
      await keep('finish an evaluation', () => finishEvaluation(ports, evaluationId));
    }
  }

  function tellJobs(told: readonly Pick<GraphJob, 'jobId' | 'evaluationId'>[]): void {
    for (const [evaluationId, some] of Map.groupBy(told, (job) => job.evaluationId)) {
      ports.changes.tell({ kind: 'jobs', evaluationId, jobIds: some.map(({ jobId }) => jobId) });
    }
  }

  return {
    adopt,
    forget: async (evaluationId, jobIds) => {
      for (const drvPath of graph.forget(jobIds)) {
        const dispatch = current.get(drvPath);
        if (dispatch !== undefined) {
          builder.cancel(dispatch.leaseId);
        }
      }
      await leave(jobIds.map((jobId) => ({ jobId, evaluationId })));
      wake();
    },
    dependentsOf: (jobId) => graph.dependentsOf(jobId),
    heldBy: (jobId) => graph.heldBy(jobId),
    spoiledBy: (jobId) => {
      const drvPath = stored.get(jobId)?.drvPath ?? null;
      return drvPath === null ? undefined : failures.get(drvPath)?.reason;
    },
    get slotsUsed() {
      return builder.slots - freeSlots;
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(batches);
    },
  };
}

function toGraphJob({ id, attempt, evaluationId, attr, drvPath }: StoredJob): GraphJob | undefined {
  return drvPath === null ? undefined : { jobId: id, attempt, evaluationId, attr, drvPath };
}
