/**
 * Counts what ended, by listening: no flow needs to know of metrics. The jobs of an evaluation are counted when it
 * ends, a page at a time, so that one of 20,000 jobs holds nothing up. When a restarted job ends it a second time,
 * only what ended since is counted.
 */

import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { isJobEnding } from '@argunix/shared/domain/job-status';
import type { Changes } from '../../ports/changes.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Views } from '../../ports/views.ts';

const PAGE_JOBS = 500;
// Evaluations whose end is remembered. A restart of a job in an older one counts its other jobs again: harmless.
const MOST_REMEMBERED = 2000;

export function countChanges(changes: Changes, views: Views, metrics: Metrics): void {
  const countedUntil = new Map<EvaluationId, string>();

  changes.listen((change) => {
    // The listener only takes note: it is called in the middle of somebody else's work.
    if (change.kind === 'evaluation') {
      setImmediate(() => look(change.evaluationId));
    }
  });

  function look(id: EvaluationId): void {
    const evaluation = views.evaluation(id);
    const { finished_at: finishedAt = null } = evaluation ?? {};
    if (evaluation === undefined || !isEvaluationEnded(evaluation.status) || finishedAt === null) {
      return;
    }
    const since = countedUntil.get(id) ?? '';
    if (finishedAt > since) {
      remember(id, finishedAt);
      countEvaluation(evaluation, finishedAt);
      countJobs(id, since, undefined);
    }
  }

  function remember(id: EvaluationId, finishedAt: string): void {
    countedUntil.delete(id);
    countedUntil.set(id, finishedAt);
    for (const oldest of countedUntil.keys()) {
      if (countedUntil.size <= MOST_REMEMBERED) {
        break;
      }
      countedUntil.delete(oldest);
    }
  }

  function countEvaluation(evaluation: EvaluationView, finishedAt: string): void {
    const { status, outcome, created_at, started_at, building_at } = evaluation;
    metrics.evaluationEnded(status, outcome, {
      evaluating: started_at === null ? 0 : between(started_at, building_at ?? finishedAt),
      total: between(created_at, finishedAt),
    });
  }

  function countJobs(evaluationId: EvaluationId, since: string, after: string | undefined): void {
    const jobs = views.jobs({ evaluationId, limit: PAGE_JOBS, ...(after !== undefined && { after }) });
    for (const job of jobs) {
      if ((job.finished_at ?? '') > since) {
        countJob(job);
      }
    }
    const last = jobs.at(-1);
    if (jobs.length === PAGE_JOBS && last !== undefined) {
      setImmediate(() => countJobs(evaluationId, since, last.attr));
    }
  }

  function countJob({ status, system, timings }: JobView): void {
    if (!isJobEnding(status)) {
      return;
    }
    metrics.jobEnded(status, system);
    if (timings.build_ms !== null) {
      metrics.buildEnded(system, timings.build_ms);
    }
  }
}

function between(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from));
}
