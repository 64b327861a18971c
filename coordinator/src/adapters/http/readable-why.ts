/** Why a job is in the state it is in: one sentence for every state, and for what waits, for what. */
import type { WhyNeed, WhyView } from '@argunix/shared/control-api/queue-views';
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { toJobId } from '@argunix/shared/domain/ids';
import { storePathName } from '@argunix/shared/domain/store-path';
import type { QueueSnapshot, Waiting } from '../../domain/queue-snapshot.ts';
import type { Queue } from '../../ports/queue.ts';
import { whyEvaluation, whyJob } from './sentences.ts';
import { toTimeOrNull, type VisibleSteps } from './visible-steps.ts';

export function readWhy(
  queue: Queue,
  visible: VisibleSteps,
  job: JobView,
  evaluation: EvaluationView,
): WhyView {
  const own = { job_id: job.id, status: job.status };
  const nothing = { until: null, phase: null, builder: null, since: null, needs: [] };
  if (job.status === 'running') {
    const { phase, builder, started_at: since } = job;
    return { ...own, ...nothing, kind: 'running', reason: whyJob(job), phase, builder, since };
  }
  if (job.status !== 'queued') {
    return {
      ...own,
      ...nothing,
      kind: 'ended',
      reason: whyJob(job),
      builder: job.builder,
      since: job.finished_at,
    };
  }
  if (evaluation.status !== 'building') {
    return { ...own, ...nothing, kind: 'evaluating', reason: notYet(evaluation) };
  }
  const waiting = queue.why(toJobId(job.id));
  return waiting === undefined
    ? { ...own, ...nothing, kind: 'next', reason: job.reason ?? 'It is about to enter the queue.' }
    : {
        ...own,
        ...nothing,
        kind: waiting.kind,
        reason: waiting.sentence,
        until: toTimeOrNull(waiting.until),
        needs: needsOf(waiting, queue, visible),
      };
}

/** Of a job that waits in an evaluation that does not build. */
export function notYet(evaluation: EvaluationView): string {
  return evaluation.status === 'evaluating'
    ? 'Its evaluation is not finished; jobs are built once all of them are known.'
    : whyEvaluation(evaluation);
}

function needsOf({ needs }: Waiting, queue: Queue, visible: VisibleSteps): WhyNeed[] {
  if (needs.length === 0) {
    return [];
  }
  const { running } = queue.snapshot(0);
  const jobs = visible.jobs(needs.flatMap(({ jobIds }) => jobIds));
  return needs.map((need) => {
    const step = running.find(({ drvPath }) => drvPath === need.drvPath);
    const listed = need.jobIds.flatMap((id) => jobs.get(id) ?? []);
    const isNamed = listed.some(({ drvPath }) => drvPath === need.drvPath);
    return {
      name: storePathName(need.drvPath),
      drv_path: need.drvPath,
      internal: (visible.readsAll ? step?.isInternal : undefined) ?? !isNamed,
      jobs: listed.map(({ ref }) => ref),
      job_count: visible.readsAll ? (step?.jobCount ?? listed.length) : listed.length,
      running: runningOf(step, visible),
    };
  });
}

function runningOf(
  step: QueueSnapshot['running'][number] | undefined,
  visible: VisibleSteps,
): WhyNeed['running'] {
  return step === undefined ? null : (visible.running([step])[0] ?? null);
}
