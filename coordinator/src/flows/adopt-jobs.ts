/**
 * Brings the unfinished jobs of an evaluation into the scheduler: what of them is not there yet, what failed not long
 * ago, whose they are. It goes in pieces, so that fifty thousand jobs hold nobody else up.
 */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Claim } from '../domain/queue/claims.ts';
import type { Scheduler } from '../domain/queue/scheduler.ts';
import type { GraphJob, PlannedDerivation, Step } from '../domain/queue/step.ts';
import type { Evaluation, EvaluationStore } from '../ports/evaluation-store.ts';
import type { FailedBuild, FailedBuilds } from '../ports/failed-builds.ts';
import type { JobStore, StoredJob } from '../ports/job-store.ts';
import type { RepositoryStore } from '../ports/repository-store.ts';
import { inTurns } from './in-turns.ts';
import { type PlanPorts, planDerivations } from './plan-derivations.ts';
import { outputPaths } from './store-found-jobs.ts';

export interface AdoptPorts extends PlanPorts {
  readonly evaluations: Pick<EvaluationStore, 'find'>;
  readonly jobs: JobStore;
  readonly repositories: Pick<RepositoryStore, 'defaultBranch'>;
  readonly failedBuilds: FailedBuilds;
  /** How long a failure stands for another build of the same. */
  readonly failureCacheMs: number;
  readonly clock: Clock;
}

/** A step that is not built, because it, or something inside it, failed not long ago. It is taken. */
export interface FailedBefore {
  readonly step: Step;
  /** The derivation that failed: the step's own, or one inside it. */
  readonly drvPath: DerivationPath;
  readonly failed: FailedBuild;
}

// Some 3 ms of reading.
const PAGE = 1_000;
// Some 5 ms of asking.
const ASKED_IN_A_TURN = 2_000;
// Some 5 ms of the scheduler.
const JOBS_AT_A_TIME = 500;

/** Calls `added` after each piece, at once, before anything of it can be given out. */
export async function adoptJobs(
  ports: AdoptPorts,
  scheduler: Scheduler,
  evaluationId: EvaluationId,
  added: (jobs: readonly GraphJob[], failed: readonly FailedBefore[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const { jobs, clock } = ports;
  const evaluation = ports.evaluations.find(evaluationId);
  const unfinished = evaluation === undefined ? [] : await readUnfinished(ports, evaluation);
  if (evaluation === undefined || unfinished.length === 0) {
    return;
  }
  const plan = await planDerivations(ports, new Set(unfinished.map(({ drvPath }) => drvPath)), signal);
  const failures = await knownFailures(ports, evaluation, plan);
  const byPath = new Map(plan.map((planned) => [planned.drvPath, planned]));
  const order = new Map(plan.map(({ drvPath }, at) => [drvPath, at]));
  // Needs come first, so that nothing is built inside what a later piece says is a job.
  const sorted = unfinished.toSorted(
    (one, other) => (order.get(one.drvPath) ?? 0) - (order.get(other.drvPath) ?? 0),
  );
  const isTold = new Set<DerivationPath>();
  for (let from = 0; from < sorted.length; from += JOBS_AT_A_TIME) {
    if (from > 0) {
      await clock.sleep(0);
    }
    // Meanwhile some may have been cancelled or restarted: what is stored now counts.
    const some = sorted.slice(from, from + JOBS_AT_A_TIME);
    const isUnfinished = jobs.stillUnfinished(some);
    const piece = some.filter((job) => isUnfinished.has(job.jobId) && !scheduler.graph.has(job));
    const derivations = piece.flatMap(({ drvPath }) => untold(drvPath, byPath, isTold));
    scheduler.add(piece, derivations, clock.now());
    added(piece, takeFailed(scheduler, derivations, failures));
  }
}

/** Page by page: thousands of rows at once would hold up everybody else. */
async function readUnfinished(
  { jobs, clock, repositories }: AdoptPorts,
  evaluation: Evaluation,
): Promise<readonly GraphJob[]> {
  const claim = claimOf(evaluation, repositories.defaultBranch(evaluation.repositoryId));
  const read: GraphJob[] = [];
  for (let after: string | null = null; ; ) {
    const page: readonly StoredJob[] = jobs.unfinished(evaluation.id, { after, limit: PAGE });
    read.push(...page.flatMap((job) => toGraphJob(job, claim)));
    after = page.at(-1)?.attr ?? null;
    if (page.length < PAGE) {
      // First found, first in line.
      return read.toSorted((one, other) => one.jobId - other.jobId);
    }
    await clock.sleep(0);
  }
}

function claimOf(evaluation: Evaluation, defaultBranch: Evaluation['ref'] | null): Claim {
  const { repositoryId, isTrusted, ref, prNumber } = evaluation;
  if (prNumber !== null) {
    return { repositoryId, isTrusted, rank: 2 };
  }
  return { repositoryId, isTrusted, rank: ref === defaultBranch ? 0 : 1 };
}

/** Whoever restarts an evaluation, or asks for one, wants it built: what failed of it is forgotten, for others too. */
async function knownFailures(
  { failedBuilds, failureCacheMs, clock }: AdoptPorts,
  { trigger, isTrusted }: Evaluation,
  plan: readonly PlannedDerivation[],
): Promise<ReadonlyMap<DerivationPath, FailedBuild>> {
  const drvPaths = plan.map(({ drvPath }) => drvPath);
  if (trigger === 'restart' || trigger === 'manual') {
    await failedBuilds.forget(drvPaths);
  }
  const found = new Map<DerivationPath, FailedBuild>();
  const since = toEpochMs(clock.now() - failureCacheMs);
  await inTurns(failureCacheMs === 0 ? [] : drvPaths, ASKED_IN_A_TURN, clock, (piece) => {
    for (const [drvPath, failed] of failedBuilds.find(piece, isTrusted, since)) {
      found.set(drvPath, failed);
    }
  });
  return found;
}

/** `drvPath` and what it needs, as far as it was not told before. */
function untold(
  drvPath: DerivationPath,
  byPath: ReadonlyMap<DerivationPath, PlannedDerivation>,
  isTold: Set<DerivationPath>,
): readonly PlannedDerivation[] {
  const found: PlannedDerivation[] = [];
  const open = [drvPath];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const planned = isTold.has(next) ? undefined : byPath.get(next);
    if (planned !== undefined) {
      isTold.add(next);
      found.push(planned);
      open.push(...planned.inputs);
    }
  }
  return found;
}

function takeFailed(
  scheduler: Scheduler,
  derivations: readonly PlannedDerivation[],
  failures: ReadonlyMap<DerivationPath, FailedBuild>,
): readonly FailedBefore[] {
  return derivations.flatMap(({ drvPath }) => {
    const failed = failures.get(drvPath);
    const step = failed === undefined ? undefined : scheduler.takeOut(drvPath);
    return failed === undefined || step === undefined ? [] : [{ step, drvPath, failed }];
  });
}

function toGraphJob(job: StoredJob, claim: Claim): readonly GraphJob[] {
  const { id, attempt, evaluationId, attr, system, drvPath, leaseId, bumpedAt } = job;
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
          claim,
          bumpedAt,
          outputs: outputPaths(job),
          wasDispatched: leaseId !== null,
        },
      ];
}
