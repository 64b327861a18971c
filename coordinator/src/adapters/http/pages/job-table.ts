import { jobPath } from '@argunix/shared/control-api/paths';
import type { JobView, RepositoryRef } from '@argunix/shared/control-api/views';
import { whyJob } from '../sentences.ts';
import { type Html, html } from './html.ts';
import { lasted } from './moments.ts';
import { jobMark } from './state-mark.ts';

export function jobTable(jobs: readonly JobView[], repository: RepositoryRef, now: number): Html {
  return html`<table>
<thead><tr><th scope="col">State</th><th scope="col">Job</th><th scope="col">Why</th><th scope="col">Time</th></tr></thead>
<tbody>${jobs.map(
    (job) => html`<tr><td>${jobMark(job.status)}</td>
<th scope="row"><a href="${jobPath(repository, job.eval_id, job.attr)}"><bdi>${job.attr}</bdi></a><span class="under"><bdi>${job.name}</bdi> · ${job.system}</span></th>
<td>${clipped(whyJob(job))}</td>
<td class="num">${lasted(job.started_at, job.finished_at, now)}</td></tr>`,
  )}</tbody></table>`;
}

// An evaluation error can be a screenful; the job's own page has all of it.
const MOST_LETTERS = 240;

function clipped(reason: string): string {
  return reason.length > MOST_LETTERS ? `${reason.slice(0, MOST_LETTERS)}…` : reason;
}
