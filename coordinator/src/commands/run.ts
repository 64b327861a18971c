import { isJobGood } from '@argunix/shared/domain/job-status';
import { systemClock } from '@argunix/shared/kit/clock';
import {
  type FailedJob,
  formatCounts,
  formatFailures,
  formatJobs,
  formatReason,
} from '@argunix/shared/terminal/job-table';
import { createProgress } from '@argunix/shared/terminal/progress';
import { type Screen, screenOf } from '@argunix/shared/terminal/screen';
import { type EndedRun, runOwnFlake } from '../compose/own-run.ts';
import { chooseFlake } from './flake-choice.ts';
import { OWN_LIMITS } from './own-limits.ts';

// Enough to see what went wrong.
const SHOWN_LINES = 10;
// More failures than a person reads at once: the table names them all.
const SHOWN_FAILURES = 20;

/** Progress on standard error, the table (or the JSON) on standard output. 1 when something failed. */
export async function run(
  flake: string,
  options: { readonly systems?: string; readonly attrs?: string; readonly json: boolean },
): Promise<number> {
  const { reference, ...choice } = chooseFlake(flake, options);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const progress = createProgress(screenOf(process.stderr), () => systemClock.now());
  let areWarningsTold = false;
  try {
    return await runOwnFlake(
      {
        env: process.env,
        reference,
        settings: { ...OWN_LIMITS, ...choice },
        onChange: ({ evaluation, changed, warnings }) => {
          for (const warning of areWarningsTold ? [] : warnings) {
            progress.say(`warning: ${warning}`);
          }
          areWarningsTold = true;
          progress.show(evaluation, changed);
        },
        signal: stop.signal,
      },
      async (ended) => {
        progress.end();
        process.stdout.write(
          options.json ? `${JSON.stringify(toJson(ended))}\n` : await toText(ended, screenOf(process.stdout)),
        );
        return ended.evaluation.outcome === 'success' ? 0 : 1;
      },
    );
  } finally {
    progress.end();
  }
}

function toJson({ evaluation, jobs }: EndedRun): object {
  return { ...evaluation, jobs };
}

/** The table first: what went wrong is what a person wants to see when the last line is written. */
async function toText({ evaluation, jobs, tail }: EndedRun, screen: Screen): Promise<string> {
  if (evaluation.status !== 'done') {
    const reason = formatReason(evaluation.reason ?? 'No reason was given.').join('\n');
    const title = screen.styled('bad', evaluation.status.replace('_', ' '));
    return `${formatJobs(jobs, screen)}${title}\n${reason}\n`;
  }
  if (jobs.length === 0) {
    return 'There is nothing to build for these systems and attributes.\n';
  }
  const failed: FailedJob[] = [];
  for (const job of jobs.filter(isWorthReading).slice(0, SHOWN_FAILURES)) {
    failed.push({ job, lines: await tail(job.id, SHOWN_LINES) });
  }
  return `${formatJobs(jobs, screen)}\n${formatFailures(failed, screen)}${formatCounts(evaluation.counts, screen)}\n`;
}

/** What failed by another says so in its row. */
function isWorthReading({ status }: EndedRun['jobs'][number]): boolean {
  return !isJobGood(status) && status !== 'dependency_failed' && status !== 'cancelled';
}
