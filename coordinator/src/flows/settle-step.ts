/**
 * What the end of a build means for the jobs that wanted it. Stored first, with what ended by it, in one transaction;
 * only then does the graph go on, people see it, and evaluations finish.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { BuildGraph } from '../domain/build-graph.ts';
import { type FinalEnding, isGoodEnding, judgeBuild, judgeDependent } from '../domain/build-verdict.ts';
import { retryDelayMs } from '../domain/retry-delay.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import { type FinishPorts, finishEvaluation } from './finish-evaluation.ts';
import { keepTrying } from './keep-trying.ts';
import { tellJobs } from './tell-jobs.ts';

export interface SettlePorts extends FinishPorts {
  readonly jobs: JobStore;
  readonly metrics: Pick<Metrics, 'jobEnded' | 'buildEnded' | 'evaluationEnded'>;
  /** How often infrastructure may spoil a step before it is given up. */
  readonly retries: number;
}

export interface EndedBuild {
  readonly drvPath: DerivationPath;
  readonly leaseId: LeaseId;
  /** Undefined for what was not built. */
  readonly startedAt: EpochMs | undefined;
}

export type Settled =
  | { readonly kind: 'over' }
  /** The step is still taken; it is the caller's to put it back after the wait, which `reason` explains. */
  | { readonly kind: 'again'; readonly afterMs: number; readonly reason: string };

/** Rejects with what the store says when `signal` aborts before it could be stored. */
export function createSettling(
  ports: SettlePorts,
  graph: BuildGraph,
  signal: AbortSignal,
): (build: EndedBuild, ending: BuildEnding) => Promise<Settled> {
  const { jobs, clock, metrics, changes, log } = ports;

  async function end({ drvPath, leaseId }: EndedBuild, ending: FinalEnding): Promise<Settled> {
    const own = graph.jobsOf(drvPath);
    const lost = isGoodEnding(ending) ? [] : graph.lostWith(drvPath);
    const verdicts = [...own.map((job) => judgeBuild(job, ending)), ...lost.map(judgeDependent)];
    const gone = [...own, ...lost.map(({ job }) => job)];
    const at = clock.now();
    const lease = { id: leaseId, ending: own.length === 0 ? 'nobody wants it any more' : ending.kind };
    const settled = new Set(
      await keepTrying(ports, 'store the end of a build', signal, () => jobs.settle(verdicts, lease, at)),
    );
    graph.forget(gone);
    graph.putBack(drvPath);
    const systems = new Map(gone.map(({ jobId, system }) => [jobId, system]));
    for (const { jobId, status } of verdicts.filter((verdict) => settled.has(verdict.jobId))) {
      metrics.jobEnded(status, systems.get(jobId) ?? 'unknown');
    }
    tellJobs(changes, gone);
    for (const id of new Set(gone.map(({ evaluationId }) => evaluationId))) {
      await finishEvaluation(ports, id, signal);
    }
    return { kind: 'over' };
  }

  /** Stopped or spoiled: tried again when somebody still wants it, given up when the host spoils it again and again. */
  async function tryAgain(
    build: EndedBuild,
    ending: Extract<BuildEnding, { kind: 'cancelled' | 'returned' | 'infrastructure' }>,
  ): Promise<Settled> {
    const { drvPath, leaseId } = build;
    const wanted = graph.jobsOf(drvPath);
    if (wanted.length === 0) {
      return await end(build, { kind: 'substituted' });
    }
    const isSpoiled = ending.kind === 'infrastructure';
    const count = isSpoiled ? graph.countSpoiled(drvPath) : 0;
    if (isSpoiled && count > ports.retries) {
      return await end(build, { kind: 'gave_up', reason: `Tried ${count} times: ${ending.reason}` });
    }
    const at = clock.now();
    await keepTrying(ports, 'queue a build again', signal, () =>
      jobs.requeue(wanted, leaseId, ending.kind, at),
    );
    if (!isSpoiled) {
      tellJobs(changes, wanted);
      return { kind: 'again', afterMs: 0, reason: 'It was stopped.' };
    }
    log.warn({ drvPath, count, reason: ending.reason }, 'a build is tried again');
    tellJobs(changes, wanted);
    const reason = `It is tried again (${count} of ${ports.retries}): ${ending.reason}`;
    return { kind: 'again', afterMs: retryDelayMs(ports.retryMs, count), reason };
  }

  return async (build, ending) => {
    if (ending.kind === 'cancelled' || ending.kind === 'returned' || ending.kind === 'infrastructure') {
      return await tryAgain(build, ending);
    }
    if (build.startedAt !== undefined) {
      const [job] = graph.jobsOf(build.drvPath);
      metrics.buildEnded(job?.system ?? 'unknown', clock.now() - build.startedAt);
    }
    return await end(build, ending);
  };
}
