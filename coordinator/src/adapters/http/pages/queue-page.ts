import { jobPath } from '@argunix/shared/control-api/paths';
import type { OwnedJob } from '../readable-views.ts';
import { whyJob } from '../sentences.ts';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { ago } from './moments.ts';
import { jobMark, phaseWord } from './state-mark.ts';

export interface QueuePageContent {
  readonly jobs: readonly OwnedJob[];
  readonly totals: { readonly queued: number; readonly running: number };
  readonly now: number;
}

export function queuePage({ jobs, totals, now }: QueuePageContent): Page {
  const hidden = totals.queued + totals.running - jobs.length;
  return {
    title: 'Queue',
    section: 'queue',
    body: html`<h1>Queue</h1>
<div id="queue" data-live>
<p class="facts">${totals.running} running, ${totals.queued} queued</p>
${jobs.length === 0 ? html`<p class="quiet">Nothing runs and nothing waits.</p>` : queueTable(jobs, now)}
${hidden > 0 && html`<p class="quiet">${hidden} more are not shown.</p>`}
</div>`,
  };
}

function queueTable(jobs: readonly OwnedJob[], now: number): Html {
  return html`<table>
<thead><tr><th scope="col">State</th><th scope="col">Job</th><th scope="col">Why</th><th scope="col">Since</th></tr></thead>
<tbody>${jobs.map(({ job, repository }) => {
    const path = jobPath(repository, job.eval_id, job.attr);
    return html`<tr><td>${job.status === 'running' ? jobMark('running', phaseWord(job.phase)) : jobMark(job.status)}</td>
<th scope="row"><a href="${path}"><bdi>${job.attr}</bdi></a><span class="under"><bdi>${repository.slug}</bdi> #${job.eval_id} · ${job.system}</span></th>
<td>${whyJob(job)}</td>
<td class="num">${ago(job.started_at ?? job.created_at, now)}</td></tr>`;
  })}</tbody></table>`;
}
