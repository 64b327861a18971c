/**
 * What the end of a build means for the jobs that wanted it. Stored first, with what ended by it and what was learned
 * from it, in one transaction; only then does the scheduler go on, people see it, and evaluations finish.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { JobId, LeaseId } from '@argunix/shared/domain/ids';
import { storePathName } from '@argunix/shared/domain/store-path';
import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';
import { type FinalEnding, isGoodEnding, judgeBuild, judgeDependent } from '../domain/build-verdict.ts';
import type { Scheduler } from '../domain/queue/scheduler.ts';
import type { Step } from '../domain/queue/step.ts';
import type { Unwanted } from '../domain/queue/step-graph.ts';
import { retryDelayMs } from '../domain/retry-delay.ts';
import type { Carried } from '../ports/builder.ts';
import type { EndedLease, JobStore } from '../ports/job-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import { type FinishPorts, finishEvaluation } from './finish-evaluation.ts';
import { keepTrying } from './keep-trying.ts';
import { tellJobs } from './tell-jobs.ts';

export interface SettlePorts extends FinishPorts {
  readonly jobs: JobStore;
  readonly derivations: DerivationReader;
  readonly metrics: Pick<Metrics, 'jobEnded' | 'buildEnded' | 'evaluationEnded'>;
  /** How often infrastructure may spoil a step before it is given up. */
  readonly retries: number;
}

/** A lease that has ended. */
export interface EndedBuild {
  readonly step: Step;
  readonly builder: string;
  readonly isSandboxed: boolean;
  readonly leaseId: LeaseId;
  /** Undefined for what was not built. */
  readonly startedAt: EpochMs | undefined;
  readonly push?: Carried | undefined;
  readonly pull?: Carried | undefined;
}

export type Settled =
  | { readonly kind: 'over'; readonly unwanted: Unwanted }
  /** The step is still taken; it is the caller's to put it back after the wait, which `reason` explains. */
  | { readonly kind: 'again'; readonly afterMs: number; readonly reason: string };

export interface Settling {
  /** Rejects with what the store says when the signal aborts before it could be stored. */
  settle(build: EndedBuild, ending: BuildEnding): Promise<Settled>;
  /** For a taken step that nobody builds. */
  giveUp(step: Step, ending: FinalEnding, earlierJobId: JobId | null): Promise<Unwanted>;
}

type Again = Extract<BuildEnding, { kind: 'cancelled' | 'returned' | 'infrastructure' }>;

export function createSettling(ports: SettlePorts, scheduler: Scheduler, signal: AbortSignal): Settling {
  const { jobs, clock, metrics, changes, log } = ports;

  async function end(
    step: Step,
    build: EndedBuild | undefined,
    ending: FinalEnding,
    earlierJobId: JobId | null = null,
  ): Promise<Unwanted> {
    const own = step.jobs;
    const leaseId = build?.leaseId ?? null;
    const lost = isGoodEnding(ending) ? [] : scheduler.graph.lostWith(step);
    const verdicts = [
      ...own.map((job) => judgeBuild(job, ending, earlierJobId)),
      ...lost.map((one) => judgeDependent(one, { leaseId, ending })),
    ];
    const gone = [...own, ...lost.map(({ job }) => job)];
    const at = clock.now();
    const isWanted = own.length > 0 || step.neededBy.size > 0;
    const lease =
      build === undefined
        ? null
        : {
            id: build.leaseId,
            ending: isWanted ? ending.kind : 'nobody wants it any more',
            push: build.push ?? null,
            pull: build.pull ?? null,
            ...(await whatWasLearned(ports, build, ending, at)),
          };
    const settled = new Set(
      await keepTrying(ports, 'store the end of a build', signal, () => jobs.settle(verdicts, lease, at)),
    );
    const unwanted = [
      ...scheduler.forget(gone, clock.now()),
      ...scheduler.finish(step.drvPath, isGoodEnding(ending) ? (build?.builder ?? null) : null, clock.now()),
    ].filter((one) => one !== step);
    const systems = new Map(gone.map(({ jobId, system }) => [jobId, system]));
    for (const { jobId, status } of verdicts.filter((verdict) => settled.has(verdict.jobId))) {
      metrics.jobEnded(status, systems.get(jobId) ?? 'unknown');
    }
    tellJobs(changes, gone);
    for (const id of new Set(gone.map(({ evaluationId }) => evaluationId))) {
      await finishEvaluation(ports, id, signal);
    }
    return unwanted;
  }

  /** Stopped, handed back or spoiled: tried again when somebody still wants it, given up when it is spoiled again and again. */
  async function tryAgain(build: EndedBuild, ending: Again): Promise<Settled> {
    const { step, leaseId } = build;
    const { drvPath } = step;
    const wanted = step.jobs;
    const isSpoiled = ending.kind === 'infrastructure';
    const count = isSpoiled ? scheduler.spoiled(drvPath, build.builder, ending.reason, clock.now()) : 0;
    if (wanted.length === 0 && step.neededBy.size === 0) {
      return { kind: 'over', unwanted: await end(step, build, { kind: 'substituted' }) };
    }
    if (isSpoiled && count > ports.retries) {
      const reason = `Tried ${count} times: ${ending.reason}`;
      return { kind: 'over', unwanted: await end(step, build, { kind: 'gave_up', reason }) };
    }
    const at = clock.now();
    await keepTrying(ports, 'queue a build again', signal, () =>
      jobs.requeue(wanted, leaseId, ending.kind, at),
    );
    tellJobs(changes, wanted);
    if (!isSpoiled) {
      return { kind: 'again', afterMs: 0, reason: 'It was stopped.' };
    }
    log.warn({ drvPath, count, builder: build.builder, reason: ending.reason }, 'a build is tried again');
    const reason = `It is tried again (${count} of ${ports.retries}): ${ending.reason}`;
    return { kind: 'again', afterMs: retryDelayMs(ports.retryMs, count), reason };
  }

  return {
    settle: async (build, ending) => {
      if (ending.kind === 'cancelled' || ending.kind === 'returned' || ending.kind === 'infrastructure') {
        return await tryAgain(build, ending);
      }
      scheduler.roster.wentWell(build.builder);
      if (build.startedAt !== undefined) {
        metrics.buildEnded(build.step.jobs[0]?.system ?? build.step.system, clock.now() - build.startedAt);
      }
      return { kind: 'over', unwanted: await end(build.step, build, ending) };
    },
    giveUp: (step, ending, earlierJobId) => end(step, undefined, ending, earlierJobId),
  };
}

/** How long it took, and that it would fail again: only the build script's own exit says so. */
async function whatWasLearned(
  { derivations }: Pick<SettlePorts, 'derivations'>,
  { step, startedAt, isSandboxed }: EndedBuild,
  ending: FinalEnding & { readonly exitCode?: number | null },
  at: EpochMs,
): Promise<Pick<EndedLease, 'built' | 'failedBuild'>> {
  if (ending.kind === 'built' && startedAt !== undefined) {
    return { built: { name: storePathName(step.drvPath), tookMs: at - startedAt } };
  }
  const exitCode = ending.kind === 'failed' ? (ending.exitCode ?? null) : null;
  if (exitCode === null || exitCode === 0 || !('reason' in ending)) {
    return {};
  }
  // What fetches something may have failed by the network.
  if ((await derivations.details(step.drvPath))?.isFixedOutput !== false) {
    return {};
  }
  return {
    failedBuild: {
      drvPath: step.drvPath,
      // What a builder without the sandbox makes of it may have to do with that builder.
      isTrusted: step.claims.isTrusted && isSandboxed,
      reason: ending.reason,
      jobId: step.jobs[0]?.jobId ?? null,
    },
  };
}
