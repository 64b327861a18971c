/** Steps as rows: what a builder has, and what is next. A step has the name of its first job, a shared one its own. */
import { jobPath, leasePath } from '@argunix/shared/control-api/paths';
import type { ReadyStep } from '@argunix/shared/control-api/queue-views';
import type { JobRef, RunningStep } from '@argunix/shared/control-api/views';
import { type Html, html, join } from './html.ts';
import { ago, lasted } from './moments.ts';
import { jobMark } from './state-mark.ts';

export interface RunningRow {
  readonly now: number;
  readonly showsBuilder: boolean;
}

export function runningRows(steps: readonly RunningStep[], look: RunningRow): Html {
  return html`<ul class="rows">${steps.map((step) => runningRow(step, look))}</ul>`;
}

export function runningRow(step: RunningStep, { now, showsBuilder }: RunningRow): Html {
  return html`<li class="row">
<div class="row-head">${jobMark('running', step.started_at === null ? 'starting' : 'building')}
${step.internal ? html`<a class="row-title" href="${leasePath(step.lease_id)}"><bdi>${step.name}</bdi></a>` : jobLink(step.jobs[0], step.name)}
<span class="row-when">${lasted(step.started_at, null, now)}</span></div>
<p class="row-facts">${join(runningFacts(step, showsBuilder), ' · ')}</p>
</li>`;
}

function runningFacts(step: RunningStep, showsBuilder: boolean): Html[] {
  return [
    ...(showsBuilder ? [html`on <bdi>${step.builder}</bdi>`] : []),
    step.internal ? sharedBy(step.jobs, step.job_count) : ownedBy(step.jobs, step.job_count),
  ];
}

/** In the order in which they are given out. */
export function nextRows(steps: readonly ReadyStep[], now: number): Html {
  return html`<ol class="rows next">${steps.map(
    (step) => html`<li class="row">
<div class="row-head">${step.internal ? html`<span class="row-title"><bdi>${step.name}</bdi></span>` : jobLink(step.jobs[0], step.name)}
<span class="row-when">${ago(step.ready_since, now)}</span></div>
<p class="row-facts">${step.bumped && html`<span class="chip">asked to be first</span> `}${step.internal ? sharedBy(step.jobs, step.job_count) : ownedBy(step.jobs, step.job_count)}</p>
</li>`,
  )}</ol>`;
}

function jobLink(job: JobRef | undefined, name: string): Html {
  return job === undefined
    ? html`<span class="row-title"><bdi>${name}</bdi></span>`
    : html`<a class="row-title" href="${jobPath(job.repo, job.eval_id, job.attr)}"><bdi>${job.attr}</bdi></a>`;
}

function ownedBy([first]: readonly JobRef[], count: number): Html {
  return first === undefined
    ? html`its jobs are gone`
    : html`<bdi>${first.repo.slug}</bdi> #${first.eval_id}${count > 1 && ` and ${count - 1} more`}`;
}

/** What no job names, as what it is. */
export function sharedBy(jobs: readonly JobRef[], count: number): Html {
  return html`shared dependency of ${count === 1 ? '1 job' : `${count} jobs`}${
    jobs.length > 0 && html`: ${namedBy(jobs, count)}`
  }`;
}

export function namedBy(jobs: readonly JobRef[], count: number): Html {
  const rest = count - jobs.length;
  return html`${join(jobs.map(shortLink), ', ')}${rest > 0 && ` and ${rest} more`}`;
}

function shortLink(job: JobRef): Html {
  return html`<a href="${jobPath(job.repo, job.eval_id, job.attr)}"><bdi>${shortened(job.attr)}</bdi></a>`;
}

// Its own page has all of it; in a list of links the end is what tells attributes apart.
const MOST_LETTERS = 48;

function shortened(attr: string): string {
  return attr.length > MOST_LETTERS ? `…${attr.slice(1 - MOST_LETTERS)}` : attr;
}
