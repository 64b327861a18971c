import type { JobView } from '@argunix/shared/control-api/views';
import { printable, shortened } from './printable.ts';

/** The jobs of an evaluation as an aligned table, with the reason under the name of each that has one. */
export function renderJobs(jobs: readonly JobView[], width: number): string {
  const attrWidth = Math.max(4, ...jobs.map(({ attr }) => printable(attr).length));
  const rows = jobs.flatMap((job) => {
    const row =
      `  ${job.status.padEnd(17)} ${printable(job.attr).padEnd(attrWidth)}  ${durationOf(job)}`.trimEnd();
    return job.reason === null ? [row] : [row, `  ${' '.repeat(17)} ${shortened(job.reason, width - 20)}`];
  });
  return rows.join('\n');
}

/** How long it took to build, when it was built. */
export function durationOf({ started_at, finished_at }: JobView): string {
  if (started_at === null || finished_at === null) {
    return '';
  }
  const seconds = (Date.parse(finished_at) - Date.parse(started_at)) / 1000;
  return `${seconds.toFixed(1)} s`;
}
