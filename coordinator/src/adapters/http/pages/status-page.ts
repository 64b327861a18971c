import type { BuilderView } from '@argunix/shared/control-api/builder-views';
import { jobPath } from '@argunix/shared/control-api/paths';
import type { QueueView } from '@argunix/shared/control-api/queue-views';
import type { StatusView } from '@argunix/shared/control-api/status-view';
import type { EvaluationView } from '@argunix/shared/control-api/views';
import type { OwnedJob } from '../readable-views.ts';
import { whyJob } from '../sentences.ts';
import { evaluationList } from './evaluation-list.ts';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { lasted } from './moments.ts';
import { jobMark, phaseWord } from './state-mark.ts';

export interface StatusPageContent {
  readonly status: StatusView;
  readonly underWay: readonly EvaluationView[];
  readonly running: readonly OwnedJob[];
  readonly queue: QueueView;
  readonly newest: readonly EvaluationView[];
  readonly now: number;
}

export function statusPage(content: StatusPageContent): Page {
  const { status, underWay, running, newest, now } = content;
  return {
    title: 'Status',
    section: 'status',
    body: html`<h1 class="sr">Status</h1>
<section id="figures" class="figures" data-live aria-label="Now">${figures(status)}</section>
<div id="queue-line" data-live data-queue>${queueLine(content)}</div>
<div class="columns">
<section aria-labelledby="under-way-title"><h2 id="under-way-title">Under way</h2>
<div id="under-way" data-live>${
      underWay.length === 0
        ? html`<p class="quiet">Nothing is being evaluated or built.</p>`
        : evaluationList(underWay, { now, showsRepository: true })
    }</div>
</section>
<section aria-labelledby="running-title"><h2 id="running-title">Running jobs</h2>
<div id="running" data-live>${runningJobs(running, now)}</div>
</section>
</div>
<section aria-labelledby="newest-title"><h2 id="newest-title">Newest evaluations</h2>
<div id="newest" data-live>${
      newest.length === 0 ? emptyHouse(status) : evaluationList(newest, { now, showsRepository: true })
    }</div>
</section>`,
  };
}

/** Why the work that has waited longest waits, where any does. */
function queueLine({ queue, now }: StatusPageContent): Html | false {
  const [oldest] = queue.lines.toSorted((one, other) =>
    one.oldest_ready_since < other.oldest_ready_since ? -1 : 1,
  );
  return (
    oldest !== undefined &&
    html`<p class="facts summary-line"><a href="/queue">${queue.counts.ready} ready to be built</a>, the oldest waits ${lasted(oldest.oldest_ready_since, null, now)}: <bdi>${oldest.sentence}</bdi></p>`
  );
}

function figures({ jobs, evaluations, builders }: StatusView): Html {
  const used = sum(builders, (one) => one.slots_used);
  // A builder that gets nothing now has no slots but those it still uses.
  const slots = sum(builders, (one) => (one.state === 'ready' ? one.slots : one.slots_used));
  return html`${figure('/queue', jobs.running, 'running')}
${figure('/queue', jobs.queued, 'queued')}
${figure('/', evaluations.evaluating + evaluations.building, 'under way')}
${figure('/hosts', `${used}/${slots}`, 'slots in use')}`;
}

function figure(href: string, value: string | number, label: string): Html {
  return html`<a class="figure" href="${href}"><strong>${value}</strong> <span>${label}</span></a>`;
}

function runningJobs(running: readonly OwnedJob[], now: number): Html {
  if (running.length === 0) {
    return html`<p class="quiet">No job runs.</p>`;
  }
  return html`<ul class="rows">${running.map(
    ({ job, repository }) => html`<li class="row">
<div class="row-head">${jobMark('running', phaseWord(job.phase))}
<a class="row-title" href="${jobPath(repository, job.eval_id, job.attr)}"><bdi>${job.attr}</bdi></a>
<span class="row-when">${lasted(job.started_at, null, now)}</span></div>
<p class="row-facts"><bdi>${repository.slug}</bdi> #${job.eval_id} · ${whyJob(job)}</p>
</li>`,
  )}</ul>`;
}

function emptyHouse({ repositories }: StatusView): Html {
  return repositories === 0
    ? html`<p class="quiet">No repository is configured yet: add one under <code>forges</code> in the configuration.</p>`
    : html`<p class="quiet">Nothing was evaluated yet. Push a commit, and it shows here.</p>`;
}

function sum(builders: readonly BuilderView[], of: (builder: BuilderView) => number): number {
  return builders.reduce((total, builder) => total + of(builder), 0);
}
