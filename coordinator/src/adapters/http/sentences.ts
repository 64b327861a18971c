/** States as sentences: every end says why, every wait says for what. */
import type { EvaluationView, JobCounts, JobView } from '@argunix/shared/control-api/views';
import { formatDuration } from './durations.ts';

export function whyJob(job: JobView): string {
  return job.reason ?? usualJobReason(job);
}

function usualJobReason(job: JobView): string {
  const onBuilder = job.builder === null ? '' : ` on ${job.builder}`;
  const took = spanMs(job.started_at, job.finished_at);
  const inTime = took === null ? '' : ` in ${formatDuration(took)}`;
  switch (job.status) {
    case 'queued':
      return 'It is about to enter the queue.';
    case 'running':
      return runningSentence(job, onBuilder);
    case 'cached':
      return 'Its outputs were there already; nothing was built.';
    case 'success':
      return `Built${onBuilder}${inTime}.`;
    case 'failure':
      return `The build failed${onBuilder}.`;
    case 'timed_out':
      return 'The build took longer than allowed.';
    case 'dependency_failed':
      return 'A derivation that it needs failed.';
    case 'cancelled':
      return 'It was cancelled.';
    case 'unsupported':
      return 'No builder could ever run it.';
    case 'error':
      return 'The infrastructure failed, not the build.';
    default:
      return job.status satisfies never;
  }
}

function runningSentence(job: JobView, onBuilder: string): string {
  switch (job.phase) {
    case 'push':
      return `Its inputs are being sent to ${job.builder ?? 'its builder'}.`;
    case 'pull':
      return `Its outputs are being fetched from ${job.builder ?? 'its builder'}.`;
    case 'publish':
      return 'Its outputs are being published.';
    case 'build':
    case null:
      return `Builds${onBuilder}.`;
    default:
      return job.phase satisfies never;
  }
}

export function whyEvaluation(evaluation: EvaluationView): string {
  const { status, outcome, counts, reason } = evaluation;
  switch (status) {
    case 'awaiting_approval':
      return reason ?? 'Waits until someone with the right to do so approves it.';
    case 'queued':
      return reason ?? 'Waits for its turn to be evaluated.';
    case 'evaluating':
      return reason ?? evaluatingSentence(counts);
    case 'building':
      return buildingSentence(counts);
    case 'evaluation_failed':
      return reason ?? 'The flake could not be evaluated.';
    case 'cancelled':
      return reason ?? 'It was cancelled.';
    case 'superseded':
      return reason ?? 'A newer revision took its place.';
    case 'done':
      return reason ?? doneSentence(evaluation, outcome);
    default:
      return status satisfies never;
  }
}

function evaluatingSentence({ total }: JobCounts): string {
  return total === 0 ? 'Is being evaluated.' : `Is being evaluated; ${plural(total, 'job')} found so far.`;
}

function buildingSentence(counts: JobCounts): string {
  const bad = badCount(counts);
  const trouble = bad === 0 ? '' : `; ${bad} did not pass`;
  return `${endedCount(counts)} of ${plural(counts.total, 'job')} ended${trouble}.`;
}

function doneSentence({ counts, started_at, finished_at }: EvaluationView, outcome: string | null): string {
  const took = spanMs(started_at, finished_at);
  const inTime = took === null ? '' : ` in ${formatDuration(took)}`;
  if (counts.total === 0) {
    return 'The flake has nothing to build for the systems of this CI.';
  }
  if (outcome === 'success') {
    return counts.cached === counts.total
      ? `${all(counts.total)} ${counts.total === 1 ? 'was' : 'were'} built before; nothing was left to do.`
      : `${all(counts.total)} passed${inTime}.`;
  }
  return `${badCount(counts)} of ${plural(counts.total, 'job')} did not pass${took === null ? '' : `; it took ${formatDuration(took)}`}.`;
}

function all(total: number): string {
  return total === 1 ? 'The only job' : `All ${total} jobs`;
}

function endedCount(counts: JobCounts): number {
  return counts.total - counts.queued - counts.running;
}

export function badCount(counts: JobCounts): number {
  return endedCount(counts) - counts.success - counts.cached;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

export function spanMs(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Math.max(0, Date.parse(to) - Date.parse(from));
}
