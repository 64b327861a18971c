/**
 * Progress for people. Every change that lasts is a line of its own, the same on a terminal and in a pipe; a terminal
 * has one more line at the bottom, rewritten in place, with what goes on now.
 */
import { isJobEnding, type JobStatus } from '@argunix/shared/domain/job-status';
import type { Snapshot } from './follow.ts';
import { printable, shortened } from './printable.ts';
import { durationOf } from './table.ts';

export interface Screen {
  readonly isTerminal: boolean;
  readonly columns: number;
  write(text: string): void;
}

export interface Progress {
  show(snapshot: Snapshot): void;
  /** Takes the line at the bottom away. */
  end(): void;
}

export function createProgress(screen: Screen): Progress {
  let status: string | undefined;
  let hasBottomLine = false;
  const seen = new Map<number, JobStatus>();

  function clearBottomLine(): void {
    if (hasBottomLine) {
      screen.write('\r\u001b[2K');
      hasBottomLine = false;
    }
  }
  return {
    show({ evaluation, jobs }) {
      const lines: string[] = [];
      if (evaluation.status !== status) {
        status = evaluation.status;
        lines.push(`evaluation ${evaluation.id}: ${evaluation.status}`);
      }
      for (const job of jobs) {
        if (isJobEnding(job.status) && seen.get(job.id) !== job.status) {
          lines.push(`  ${job.status.padEnd(17)} ${printable(job.attr)}  ${durationOf(job)}`.trimEnd());
        }
        seen.set(job.id, job.status);
      }
      clearBottomLine();
      screen.write(lines.map((line) => `${line}\n`).join(''));
      if (screen.isTerminal) {
        screen.write(shortened(bottomLine(jobs), screen.columns - 1));
        hasBottomLine = true;
      }
    },
    end: clearBottomLine,
  };
}

function bottomLine(jobs: Snapshot['jobs']): string {
  const ended = jobs.filter(({ status }) => isJobEnding(status)).length;
  const running = jobs.filter(({ status }) => status === 'running').map(({ attr }) => attr);
  return `${ended} of ${jobs.length} jobs${running.length > 0 ? `, building ${running.join(', ')}` : ''}`;
}
