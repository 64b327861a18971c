import { stripVTControlCharacters } from 'node:util';
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { JOB_STATUSES } from '@argunix/shared/domain/job-status';

/** A flake's names and logs must not drive the terminal. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this removes
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu, '');
}

export function formatSeconds(ms: number | null): string {
  return ms === null ? '' : `${(ms / 1000).toFixed(1)} s`;
}

export function formatTable({ counts }: EvaluationView, jobs: readonly JobView[]): readonly string[] {
  const rows = jobs.map(
    (job) => [printable(job.attr), job.status, formatSeconds(job.timings.build_ms)] as const,
  );
  const widest = Math.max(0, ...rows.map(([attr]) => attr.length));
  const summary = JOB_STATUSES.filter((status) => counts[status] > 0).map(
    (status) => `${counts[status]} ${status}`,
  );
  return [
    ...rows.map(([attr, status, took]) => `${attr.padEnd(widest)}  ${status.padEnd(17)}  ${took}`.trimEnd()),
    ...(rows.length === 0 ? [] : ['']),
    rows.length === 0 ? 'There is nothing to build for these systems.' : summary.join(', '),
  ];
}
