/**
 * Works out what the forge is to show below one revision, and keeps what of it is new. It goes by what is stored, so it
 * may be called at any time, and again after a crash. Several at once for one revision must not be.
 */

import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import type { Clock } from '@argunix/shared/kit/clock';
import { byClaim } from '../domain/check-owner.ts';
import { EVALUATION_CONTEXT, jobContext, sayEvaluation, sayJob } from '../domain/check-wording.ts';
import type { CheckedJob, CheckJobs } from '../ports/check-jobs.ts';
import type { CheckStore, StandingCheck, WantedCheck } from '../ports/check-store.ts';
import type { Evaluation, EvaluationStore, StatusCounts } from '../ports/evaluation-store.ts';

/** What is to be known of a repository whose forge is told. */
export interface ReportedRepository {
  readonly forge: string;
  /** With more jobs than this, one line tells of all. */
  readonly collapsedCheckThreshold: number;
  evaluationUrl(id: EvaluationId): string;
  jobUrl(id: EvaluationId, attr: string): string;
}

export interface RevisionPorts {
  readonly evaluations: Pick<EvaluationStore, 'ofRevision' | 'counts'>;
  readonly checks: Pick<CheckStore, 'of' | 'want'>;
  readonly checkJobs: Pick<CheckJobs, 'all'>;
  readonly clock: Clock;
}

/** Returns how many lines are new. */
export async function reportRevision(
  ports: RevisionPorts,
  repositoryId: RepositoryId,
  sha: Sha,
  repository: ReportedRepository,
): Promise<number> {
  const { evaluations, checks, clock } = ports;
  const claimants = byClaim(evaluations.ofRevision(repositoryId, sha));
  const standing = new Map(checks.of(repositoryId, sha).map((check) => [check.context, check]));
  const wanted = new Map<string, WantedCheck>();
  for (const evaluation of claimants) {
    for (const check of checksOf(ports, evaluation, repository, standing)) {
      if (!wanted.has(check.context)) {
        wanted.set(check.context, check);
      }
    }
  }
  const changed = [...wanted.values()].filter((check) => isNews(check, standing.get(check.context)));
  const ended = claimants.filter(({ status }) => isEvaluationEnded(status)).map(({ id }) => id);
  if (changed.length > 0 || ended.length > 0) {
    await checks.want(repositoryId, sha, changed, ended, clock.now());
  }
  return changed.length;
}

function checksOf(
  { evaluations, checkJobs }: RevisionPorts,
  evaluation: Evaluation,
  repository: ReportedRepository,
  standing: ReadonlyMap<string, StandingCheck>,
): readonly WantedCheck[] {
  const { id } = evaluation;
  if (evaluation.status === 'awaiting_approval' && evaluation.awaits === 'forge') {
    // A moment later it waits for approval or goes on, and GitLab does not take another text for what is pending.
    return [];
  }
  const counts = evaluations.counts(id);
  const isCollapsed = isCollapsedBy(counts, repository);
  const overall = {
    context: EVALUATION_CONTEXT,
    evaluationId: id,
    jobId: null,
    url: repository.evaluationUrl(id),
    ...sayEvaluation({ ...evaluation, counts }, isCollapsed),
  };
  return [overall, ...jobChecksOf(checkJobs, evaluation, counts, repository, standing)];
}

/** A job that has a line already keeps it: what was once told as pending must not stay so. */
function jobChecksOf(
  checkJobs: RevisionPorts['checkJobs'],
  { id, buildingAt }: Evaluation,
  counts: StatusCounts,
  repository: ReportedRepository,
  standing: ReadonlyMap<string, StandingCheck>,
): readonly WantedCheck[] {
  // Until all are known it is not known either whether they are too many.
  if (buildingAt === null) {
    return [];
  }
  const isCollapsed = isCollapsedBy(counts, repository);
  const hasLines = standing.values().some((check) => check.evaluationId === id && check.jobId !== null);
  if (isCollapsed && !hasLines) {
    return [];
  }
  return checkJobs
    .all(id, total(counts))
    .filter(({ attr }) => !isCollapsed || standing.has(jobContext(attr)))
    .map((job) => ({
      context: jobContext(job.attr),
      evaluationId: id,
      jobId: job.id,
      url: repository.jobUrl(id, job.attr),
      ...sayJob({ status: job.status, reason: job.reason, tookMs: tookMs(job) }),
    }));
}

export function isCollapsedBy(counts: StatusCounts, repository: ReportedRepository): boolean {
  return total(counts) > repository.collapsedCheckThreshold;
}

function total(counts: StatusCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function tookMs({ startedAt, finishedAt }: CheckedJob): number | null {
  return startedAt === null || finishedAt === null ? null : finishedAt - startedAt;
}

function isNews(wanted: WantedCheck, standing: StandingCheck | undefined): boolean {
  return (
    standing === undefined ||
    standing.state !== wanted.state ||
    standing.description !== wanted.description ||
    standing.url !== wanted.url
  );
}
