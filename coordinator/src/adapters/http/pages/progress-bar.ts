import type { JobCounts } from '@argunix/shared/control-api/views';
import { JOB_STATUSES, type JobStatus } from '@argunix/shared/domain/job-status';
import { type Html, html } from './html.ts';
import { jobMark, statusWord } from './state-mark.ts';

// Good on the left, then what went wrong, then what is still to come.
const ORDER: readonly JobStatus[] = [
  'success',
  'cached',
  'failure',
  'timed_out',
  'error',
  'unsupported',
  'dependency_failed',
  'cancelled',
  'running',
  'queued',
];

/** One bar in the colours of the states. Widths are attributes of an SVG: inline styles are forbidden by our CSP. */
export function progressBar(counts: JobCounts): Html {
  const parts: Html[] = [];
  let at = 0;
  for (const status of ORDER) {
    if (counts[status] > 0) {
      const width = (counts[status] * 1000) / counts.total;
      parts.push(
        html`<rect class="f-${status}" x="${at.toFixed(2)}" width="${width.toFixed(2)}" height="8"/>`,
      );
      at += width;
    }
  }
  return html`<svg class="bar" viewBox="0 0 1000 8" preserveAspectRatio="none" role="img" aria-label="${describeCounts(counts)}"><rect class="f-none" width="1000" height="8"/>${parts}</svg>`;
}

/** The same in words, each a link to those jobs. */
export function countLinks(counts: JobCounts, hrefOf: (status: JobStatus) => string): Html {
  const present = ORDER.filter((status) => counts[status] > 0);
  return html`<ul class="counts">${present.map(
    (status) =>
      html`<li><a href="${hrefOf(status)}">${jobMark(status, `${counts[status]} ${statusWord(status)}`)}</a></li>`,
  )}</ul>`;
}

function describeCounts(counts: JobCounts): string {
  const present = JOB_STATUSES.filter((status) => counts[status] > 0);
  return present.length === 0
    ? 'no jobs yet'
    : present.map((status) => `${counts[status]} ${statusWord(status)}`).join(', ');
}
