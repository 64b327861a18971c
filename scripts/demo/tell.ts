/** What the demo says when the evaluation has ended. */
import type { JobView } from '@argunix/shared/control-api/views';
import {
  type FailedJob,
  formatCounts,
  formatFailures,
  formatJobs,
  formatReason,
} from '@argunix/shared/terminal/job-table';
import type { Screen } from '@argunix/shared/terminal/screen';
import { terminalText } from '@argunix/shared/terminal/text';
import type { ApiClient } from './api-client.ts';
import type { Snapshot } from './follow.ts';

const LOG_TAIL_LINES = 8;
const SHOWN_FAILURES = 5;

export async function tellResult(
  { evaluation, jobs }: Snapshot,
  api: Pick<ApiClient, 'logTail' | 'absolute'>,
  screen: Screen,
): Promise<void> {
  const result = evaluation.status === 'done' ? (evaluation.outcome ?? 'done') : evaluation.status;
  const look = result === 'success' ? 'good' : 'bad';
  const counts = jobs.length === 0 ? '' : `, ${formatCounts(evaluation.counts, screen)}`;
  const title = `Evaluation ${evaluation.id}: ${screen.styled(look, result.replace('_', ' '))}${counts}`;
  screen.write(`\n${title}\n\n`);
  screen.write(formatJobs(jobs, screen));
  if (evaluation.reason !== null) {
    screen.write(`${formatReason(evaluation.reason).join('\n')}\n`);
  } else if (jobs.length === 0) {
    screen.write('There is nothing to build in this flake for this system.\n');
  }
  const failed = jobs.filter(isWorthReading);
  const shown: FailedJob[] = [];
  for (const job of failed.slice(0, SHOWN_FAILURES)) {
    shown.push({ job, lines: job.log_url === null ? [] : await api.logTail(job.id, LOG_TAIL_LINES) });
  }
  screen.write(`\n${formatFailures(shown, screen)}`);
  if (failed.length > shown.length) {
    screen.write(`(${failed.length - shown.length} more did not pass; the page has them.)\n\n`);
  }
  screen.write(`Its page: ${api.absolute(evaluation.url)}\n`);
}

/** What failed by another says so in its row. */
function isWorthReading({ status }: JobView): boolean {
  return status === 'failure' || status === 'timed_out' || status === 'error';
}

/** Of the sample, whose one failure is meant. */
export function tellVerdict(complaints: readonly string[], screen: Screen): void {
  if (complaints.length === 0) {
    screen.write('All as the sample expects: the letter has a mistake on purpose, which its check finds.\n');
  }
  for (const complaint of complaints) {
    screen.write(`${screen.styled('bad', 'Not as expected')}: ${terminalText(complaint)}\n`);
  }
}

export function tellWhatNow(howToPush: readonly string[], url: string, screen: Screen): void {
  screen.write(`\nPush another commit and watch it at ${url}\n\n`);
  for (const line of howToPush) {
    screen.write(`  ${line}\n`);
  }
  screen.write('\nServing until Ctrl-C.\n');
}
