import { isJobGood } from '@argunix/shared/domain/job-status';
import { type EndedRun, runOwnFlake } from '../compose/own-run.ts';
import { chooseFlake } from './flake-choice.ts';
import { OWN_LIMITS } from './own-limits.ts';
import { createRunProgress } from './run-progress.ts';
import { formatTable, printable } from './run-table.ts';

// Enough to see what went wrong without scrolling past the table.
const SHOWN_LINES = 10;

/** Progress on standard error, the table (or the JSON) on standard output. 1 when something failed. */
export async function run(
  flake: string,
  options: { readonly systems?: string; readonly attrs?: string; readonly json: boolean },
): Promise<number> {
  const { reference, ...choice } = chooseFlake(flake, options);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const progress = createRunProgress(process.stderr);
  return await runOwnFlake(
    {
      env: process.env,
      reference,
      settings: { ...OWN_LIMITS, ...choice },
      onChange: (seen) => progress.show(seen),
      signal: stop.signal,
    },
    async (ended) => {
      progress.end();
      process.stdout.write(options.json ? `${JSON.stringify(toJson(ended))}\n` : await toText(ended));
      return ended.evaluation.outcome === 'success' ? 0 : 1;
    },
  );
}

function toJson({ evaluation, jobs }: EndedRun): object {
  return { ...evaluation, jobs };
}

async function toText({ evaluation, jobs, tail }: EndedRun): Promise<string> {
  const parts: string[] = [];
  for (const job of jobs.filter(({ status }) => !isJobGood(status) && status !== 'dependency_failed')) {
    const lines = await tail(job.id, SHOWN_LINES);
    parts.push(`── ${printable(job.attr)}: ${printable(job.reason ?? job.status)}`);
    parts.push(...lines.map((line) => `   ${printable(line)}`), '');
  }
  if (evaluation.status !== 'done') {
    parts.push(
      `The evaluation is ${evaluation.status}: ${printable(evaluation.reason ?? 'no reason was given')}`,
    );
  } else {
    parts.push(...formatTable(evaluation, jobs));
  }
  return `${parts.join('\n')}\n`;
}
