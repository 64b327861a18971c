/** What the demo says when the evaluation has ended. */
import type { ApiClient } from './api-client.ts';
import type { Snapshot } from './follow.ts';
import { printable, shortened } from './printable.ts';
import type { Screen } from './progress.ts';
import { renderJobs } from './table.ts';

const LOG_TAIL_LINES = 8;
const LOG_TAIL_JOBS = 5;

export async function tellResult(
  { evaluation, jobs }: Snapshot,
  api: Pick<ApiClient, 'logTail' | 'absolute'>,
  screen: Screen,
): Promise<void> {
  const result = evaluation.outcome ?? printable(evaluation.reason ?? 'no reason given');
  screen.write(`\nEvaluation ${evaluation.id} is ${evaluation.status}: ${result}\n`);
  screen.write(`${renderJobs(jobs, screen.columns)}\n`);
  for (const job of jobs.filter(({ status }) => status === 'failure').slice(0, LOG_TAIL_JOBS)) {
    screen.write(`\nThe end of the log of ${printable(job.attr)}:\n`);
    for (const line of await api.logTail(job.id, LOG_TAIL_LINES)) {
      screen.write(`  | ${shortened(line, screen.columns - 5)}\n`);
    }
  }
  screen.write(`\nIts page: ${api.absolute(evaluation.url)}\n`);
}

export function tellWhatNow(howToPush: readonly string[], url: string, screen: Screen): void {
  screen.write(`\nPush another commit and watch it at ${url} :\n`);
  for (const line of howToPush) {
    screen.write(`  ${line}\n`);
  }
  screen.write('\nServing until Ctrl-C.\n');
}
