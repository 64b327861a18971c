/** What stands below a check where the forge shows markdown: counts, the first failures, the end of their logs. */
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import { codeBlock, countsTable, failureHeading, inline } from '../domain/check-markdown.ts';
import type { CheckedJob, CheckJobs } from '../ports/check-jobs.ts';
import type { DueCheck } from '../ports/check-store.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { JobLogs } from '../ports/job-logs.ts';

export interface SummaryPorts {
  readonly evaluations: Pick<EvaluationStore, 'find' | 'counts'>;
  readonly checkJobs: Pick<CheckJobs, 'bad'>;
  readonly logs: Pick<JobLogs, 'tail'>;
}

// What fits a check of GitHub with room to spare, and what anybody reads there.
const MOST_FAILURES = 10;
const LINES_OF_EACH = 20;
const LINES_OF_ONE = 100;
// One line without end must not take the room of all that comes after it.
const LONGEST_LINE = 500;
const LONGEST_REASON = 8_000;

export async function summarize(ports: SummaryPorts, check: DueCheck): Promise<string | null> {
  if (check.evaluationId === null || check.state === 'pending') {
    return null;
  }
  return check.jobId === null
    ? await ofEvaluation(ports, check.evaluationId)
    : await ofJob(ports, check, check.jobId);
}

async function ofEvaluation(
  { evaluations, checkJobs, logs }: SummaryPorts,
  id: EvaluationId,
): Promise<string> {
  const counts = evaluations.counts(id);
  const bad = checkJobs.bad(id, MOST_FAILURES);
  const parts = [countsTable(counts)];
  const reason = evaluations.find(id)?.reason ?? null;
  if (reason !== null) {
    parts.push(codeBlock(short(reason, LONGEST_REASON)));
  }
  for (const job of bad) {
    parts.push(await failure(logs, job));
  }
  const all =
    counts.failure + counts.timed_out + counts.dependency_failed + counts.error + counts.unsupported;
  if (all > bad.length) {
    parts.push(`And ${all - bad.length} more; the page has all of them.`);
  }
  return parts.join('\n\n');
}

async function failure(logs: SummaryPorts['logs'], { id, attr, reason }: CheckedJob): Promise<string> {
  return [
    failureHeading(attr),
    ...(reason === null ? [] : [inline(short(reason))]),
    await tail(logs, id, LINES_OF_EACH),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

async function ofJob({ logs }: SummaryPorts, { description }: DueCheck, jobId: JobId): Promise<string> {
  return [inline(description), await tail(logs, jobId, LINES_OF_ONE)]
    .filter((part) => part !== '')
    .join('\n\n');
}

async function tail(logs: SummaryPorts['logs'], jobId: JobId, count: number): Promise<string> {
  const { lines } = await logs.tail(jobId, count);
  return lines.length === 0 ? '' : codeBlock(lines.map(({ text }) => short(text)).join('\n'));
}

function short(text: string, longest = LONGEST_LINE): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}
