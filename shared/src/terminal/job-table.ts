/** The jobs of an evaluation as people read them: a row each, what went wrong in full below, and one line for all. */
import type { JobCounts, JobView } from '../control-api/views.ts';
import { isJobGood, JOB_STATUSES, type JobStatus } from '../domain/job-status.ts';
import { readableReason } from '../domain/readable-reason.ts';
import { lookOfJob, type Screen } from './screen.ts';
import { terminalLine, terminalText } from './text.ts';
import { cutToWidth, padToWidth, widthOf } from './width.ts';

export interface FailedJob {
  readonly job: JobView;
  /** The end of its log, if it has one. */
  readonly lines: readonly string[];
}

const STATUS_COLUMNS = Math.max(...JOB_STATUSES.map((status) => statusWord(status).length));
const GAP = '  ';
// A name longer than most of this is not what the others are aligned to.
const PIPE_COLUMNS = 120;
// Narrower than usual: what is shown is an excerpt.
const TAB = '    ';

/** A row: status, attribute, how long it took, and why it is not good. One line each, cut to a terminal. */
export function formatJobs(jobs: readonly JobView[], screen: Screen): string {
  const attrColumns = Math.max(0, ...jobs.map(({ attr }) => widthOf(terminalText(attr))));
  const tookColumns = Math.max(0, ...jobs.map((job) => tookOf(job).length));
  const bound = Math.floor((screen.columns() ?? PIPE_COLUMNS) * 0.6);
  return jobs
    .map((job) => {
      const attr = padToWidth(terminalText(job.attr), Math.min(attrColumns, bound));
      const why = isJobGood(job.status) ? '' : screen.styled('quiet', firstLine(job.reason ?? ''));
      return formatRow(job.status, [attr, padToWidth(tookOf(job), tookColumns), why], screen);
    })
    .join('');
}

/** The row of one job that has just ended. */
export function formatEndedJob(job: JobView, screen: Screen): string {
  return formatRow(job.status, [terminalText(job.attr), screen.styled('quiet', tookOf(job))], screen);
}

/** Each with its whole reason and the end of its log. */
export function formatFailures(failed: readonly FailedJob[], screen: Screen): string {
  return failed
    .map(({ job, lines }) => {
      const title = screen.styled('strong', terminalText(job.attr));
      const status = screen.styled(lookOfJob(job.status), statusWord(job.status));
      // The log of a build ends with the very sentence that is the reason.
      const log = lines.filter((line) => readableReason(line) !== job.reason);
      return [
        `${title}: ${status}`,
        ...formatReason(job.reason ?? ''),
        ...log.map((line) => `${GAP}${screen.styled('quiet', '│')} ${cut(logLine(line, screen), screen, 4)}`),
        '',
      ]
        .map((line) => `${line}\n`)
        .join('');
    })
    .join('');
}

/** `8 jobs: 6 success, 1 failure, 1 dependency failed`. */
export function formatCounts(counts: JobCounts, screen: Screen): string {
  const parts = JOB_STATUSES.filter((status) => counts[status] > 0).map((status) =>
    screen.styled(lookOfJob(status), `${counts[status]} ${statusWord(status)}`),
  );
  return `${counts.total} ${counts.total === 1 ? 'job' : 'jobs'}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

function formatRow(status: JobStatus, cells: readonly string[], screen: Screen): string {
  const word = screen.styled(lookOfJob(status), padToWidth(statusWord(status), STATUS_COLUMNS));
  return `${cut([word, ...cells].join(GAP).trimEnd(), screen, 0)}\n`;
}

function statusWord(status: JobStatus): string {
  return status.replace('_', ' ');
}

/** From start to end; empty for what never ran. */
function tookOf({ started_at: from, finished_at: to }: JobView): string {
  return from === null || to === null ? '' : `${((Date.parse(to) - Date.parse(from)) / 1000).toFixed(1)} s`;
}

/** With its own colours where there are any. */
function logLine(line: string, screen: Screen): string {
  return screen.hasColours
    ? terminalLine(line).replaceAll('\t', TAB)
    : terminalText(line.replaceAll('\t', TAB));
}

function cut(text: string, screen: Screen, taken: number): string {
  const columns = screen.columns();
  return columns === undefined ? text : cutToWidth(text, columns - 1 - taken);
}

function firstLine(text: string): string {
  return terminalText(text.trim().split('\n')[0] ?? '');
}

/** A reason in full: Nix's own message may have many lines. Indented. */
export function formatReason(reason: string): readonly string[] {
  return reason.trim() === ''
    ? []
    : reason
        .trim()
        .split('\n')
        .map((line) => `${GAP}${terminalText(line)}`);
}
