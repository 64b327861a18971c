import type { WriteStream } from 'node:tty';
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { isJobEnding } from '@argunix/shared/domain/job-status';
import type { OwnRun } from '../compose/own-run.ts';
import { formatSeconds, printable } from './run-table.ts';

export interface RunProgress {
  show(seen: OwnRun): void;
  end(): void;
}

/** On a terminal one line that is written over, and a line for each job that ended; in a pipe only the lines. */
export function createRunProgress(stream: WriteStream): RunProgress {
  const running = new Map<number, string>();
  let lastLine = '';
  let lastStatus = '';
  let areWarningsTold = false;

  function overwrite(line: string): void {
    if (stream.isTTY && line !== lastLine) {
      stream.write(`\r\u001b[K${line.slice(0, Math.max(20, stream.columns - 1))}`);
      lastLine = line;
    }
  }
  function say(line: string): void {
    if (stream.isTTY) {
      stream.write('\r\u001b[K');
      lastLine = '';
    }
    stream.write(`${line}\n`);
  }
  return {
    show: ({ evaluation, changed, warnings }) => {
      for (const warning of areWarningsTold ? [] : warnings) {
        say(`warning: ${warning}`);
      }
      areWarningsTold = true;
      for (const job of changed) {
        noteJob(running, job);
        if (isJobEnding(job.status)) {
          say(endLine(job));
        }
      }
      if (!stream.isTTY && evaluation.status !== lastStatus) {
        say(statusLine(evaluation, []));
      }
      lastStatus = evaluation.status;
      overwrite(statusLine(evaluation, [...running.values()]));
    },
    end: () => overwrite(''),
  };
}

function noteJob(running: Map<number, string>, job: JobView): void {
  if (job.status === 'running') {
    running.set(job.id, printable(job.attr));
  } else {
    running.delete(job.id);
  }
}

function endLine(job: JobView): string {
  const reason =
    job.status === 'success' || job.reason === null ? '' : `  ${printable(job.reason).split('\n')[0]}`;
  return `${job.status.padEnd(17)}  ${printable(job.attr)}  ${formatSeconds(job.timings.build_ms)}${reason}`.trimEnd();
}

function statusLine({ status, counts }: EvaluationView, running: readonly string[]): string {
  if (status === 'building') {
    const ended = counts.total - counts.queued - counts.running;
    return `building: ${ended} of ${counts.total} ended${running.length === 0 ? '' : `, now ${running.join(', ')}`}`;
  }
  return status === 'evaluating' ? `evaluating: ${counts.total} jobs found` : status.replace('_', ' ');
}
