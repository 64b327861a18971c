import { jobPath } from '@argunix/shared/control-api/paths';
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { notYet } from '../readable-why.ts';
import { whyJob } from '../sentences.ts';
import { type Html, html } from './html.ts';
import { lasted } from './moments.ts';
import { jobMark } from './state-mark.ts';

export function jobTable(jobs: readonly JobView[], evaluation: EvaluationView, now: number): Html {
  return html`<table>
<thead><tr><th scope="col">State</th><th scope="col">Job</th><th scope="col">Why</th><th scope="col">Time</th></tr></thead>
<tbody>${jobs.map(
    (job) => html`<tr><td>${jobMark(job.status)}</td>
<th scope="row"><a href="${jobPath(evaluation.repo, job.eval_id, job.attr)}"><bdi>${job.attr}</bdi></a><span class="under"><bdi>${job.name}</bdi> · ${job.system}</span></th>
<td>${why(job, evaluation)}</td>
<td class="num">${lasted(job.started_at, job.finished_at, now)}</td></tr>`,
  )}</tbody></table>`;
}

// An evaluation error can be a screenful; the job's own page has all of it.
const MOST_LETTERS = 240;
// Many jobs wait for much the same: their reasons must not be louder than what failed.
const MOST_LETTERS_WAITING = 90;

function why(job: JobView, evaluation: EvaluationView): Html {
  if (job.status !== 'queued') {
    return html`${clipped(whyJob(job), MOST_LETTERS)}`;
  }
  const reason = evaluation.status === 'building' ? whyJob(job) : notYet(evaluation);
  return html`<span class="quiet" title="${clipped(reason, 1000)}"><bdi>${clipped(reason, MOST_LETTERS_WAITING)}</bdi></span>`;
}

function clipped(reason: string, most: number): string {
  return reason.length > most ? `${reason.slice(0, most)}…` : reason;
}
