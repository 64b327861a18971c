/**
 * An evaluation as it goes on. What lasts is a line of its own, the same on a terminal and in a pipe; a terminal has
 * one more line at the bottom, rewritten in place, with what goes on now. Jobs that were built before are not told
 * one by one: a large flake has thousands of them and nothing happened.
 */
import type { EvaluationView, JobView } from '../control-api/views.ts';
import { isJobEnding, type JobStatus } from '../domain/job-status.ts';
import { formatEndedJob } from './job-table.ts';
import type { Screen } from './screen.ts';
import { terminalText } from './text.ts';
import { cutToWidth } from './width.ts';

export interface Progress {
  /** `jobs` may be all of the evaluation, or only those that changed. */
  show(evaluation: EvaluationView, jobs: readonly JobView[]): void;
  /** A line that stays. */
  say(line: string): void;
  /** Takes the line at the bottom away. */
  end(): void;
}

const TICK_MS = 1_000;
const CLEAR_LINE = '\r\u001b[2K';

export function createProgress(screen: Screen, now: () => number): Progress {
  const seen = new Map<number, JobStatus>();
  const running = new Map<number, string>();
  let last: EvaluationView | undefined;
  let hasBottomLine = false;
  // Time goes by on a terminal even where nothing else does.
  const tick =
    screen.columns() === undefined
      ? undefined
      : setInterval(() => last !== undefined && drawBottomLine(last), TICK_MS).unref();

  function clearBottomLine(): void {
    if (hasBottomLine) {
      screen.write(CLEAR_LINE);
      hasBottomLine = false;
    }
  }
  function drawBottomLine(evaluation: EvaluationView): void {
    const columns = screen.columns();
    if (columns !== undefined) {
      const line = bottomLine(evaluation, [...running.values()], now(), screen);
      screen.write(CLEAR_LINE + cutToWidth(line, columns - 1));
      hasBottomLine = true;
    }
  }
  function say(line: string): void {
    clearBottomLine();
    screen.write(`${line}\n`);
  }
  function note(job: JobView): void {
    if (seen.get(job.id) === job.status) {
      return;
    }
    seen.set(job.id, job.status);
    if (job.status === 'running') {
      running.set(job.id, terminalText(job.attr));
    } else {
      running.delete(job.id);
    }
    if (isJobEnding(job.status) && job.status !== 'cached') {
      clearBottomLine();
      screen.write(formatEndedJob(job, screen));
    }
  }
  return {
    say,
    show(evaluation, jobs) {
      for (const job of jobs) {
        note(job);
      }
      if (evaluation.status !== last?.status && screen.columns() === undefined) {
        say(statusLine(evaluation));
      }
      last = evaluation;
      drawBottomLine(evaluation);
    },
    end() {
      clearInterval(tick);
      clearBottomLine();
    },
  };
}

function statusLine({ status, counts }: EvaluationView): string {
  const word = status.replace('_', ' ');
  const cached = counts.cached === 0 ? '' : `, ${counts.cached} of them cached`;
  return status === 'building' && counts.total > 0 ? `${word} ${counts.total} jobs${cached}` : word;
}

function bottomLine(
  evaluation: EvaluationView,
  running: readonly string[],
  now: number,
  screen: Screen,
): string {
  const { status, counts, started_at: startedAt } = evaluation;
  const word = screen.styled('busy', status.replace('_', ' '));
  const elapsed = startedAt === null ? '' : clock(now - Date.parse(startedAt));
  const ended = counts.total - counts.queued - counts.running;
  const bad = ended - counts.success - counts.cached;
  const parts =
    status === 'building'
      ? [
          `${ended} of ${counts.total}`,
          ...(bad > 0 ? [screen.styled('bad', `${bad} not good`)] : []),
          elapsed,
          running.join(', '),
        ]
      : [counts.total > 0 ? `${counts.total} jobs found` : '', elapsed];
  return [word, ...parts.filter((part) => part !== '')].join('  ');
}

/** `0:07`, `12:34`, `1:02:03`. */
function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
