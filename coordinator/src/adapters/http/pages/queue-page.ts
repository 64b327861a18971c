import type { QueueLine, QueueView } from '@argunix/shared/control-api/queue-views';
import { evaluationList } from './evaluation-list.ts';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { lasted } from './moments.ts';
import { shareBars } from './share-bars.ts';
import { nextRows, runningRows } from './step-rows.ts';

export interface QueuePageContent {
  readonly queue: QueueView;
  readonly now: number;
}

export function queuePage({ queue, now }: QueuePageContent): Page {
  const { counts, evaluations } = queue;
  return {
    title: 'Queue',
    section: 'queue',
    body: html`<h1>Queue</h1>
<div id="queue" data-live data-queue>
<div class="figures">
${figure(counts.running, 'running')}
${figure(counts.ready, 'ready to be built')}
${figure(counts.waiting, 'wait for others')}
${figure(evaluations.length, 'to be evaluated')}
</div>
${isIdle(queue) ? html`<p class="quiet idle">Nothing runs and nothing waits.</p>` : drawQueue(queue, now)}
</div>`,
  };
}

function isIdle({ counts, evaluations }: QueueView): boolean {
  return counts.running + counts.ready + counts.waiting + evaluations.length === 0;
}

function drawQueue(queue: QueueView, now: number): Html {
  const { running, shares, evaluations, counts } = queue;
  return html`<div class="queue">
<section class="queue-running" aria-labelledby="running-title"><h2 id="running-title">Running</h2>
${running.length === 0 ? html`<p class="quiet">Nothing runs.</p>` : runningRows(running, { now, showsBuilder: true })}
${counts.running > running.length && html`<p class="quiet more">and ${counts.running - running.length} more</p>`}
</section>
<div class="queue-next">${systemsOf(queue).map((system) => systemSection(system, queue, now))}
${
  evaluations.length > 0 &&
  html`<section aria-labelledby="evaluations-title"><h2 id="evaluations-title">To be evaluated</h2>
${evaluationList(evaluations, { now, showsRepository: true })}</section>`
}</div>
${
  // One repository has all of it: there is nothing to compare.
  shares.length > 1 &&
  html`<section class="queue-shares" aria-labelledby="shares-title"><h2 id="shares-title">Shares</h2>
${shareBars(shares)}
<p class="quiet more">Bar: recent build time. Mark: what the weight is due.</p></section>`
}</div>`;
}

function systemsOf({ lines, next }: QueueView): readonly string[] {
  return [...new Set([...lines, ...next].map(({ system }) => system))];
}

// More of one system push the others out of sight.
const MOST_OF_A_SYSTEM = 12;

function systemSection(system: string, { lines, next }: QueueView, now: number): Html {
  const own = lines.filter((line) => line.system === system);
  const steps = next.filter((step) => step.system === system);
  const shown = steps.slice(0, MOST_OF_A_SYSTEM);
  const more = own.reduce((sum, { ready }) => sum + ready, 0) - shown.length;
  return html`<section class="system"><h2>Next for <bdi>${system}</bdi></h2>
<ul class="plain lines">${own.map((line) => lineItem(line, now))}</ul>
${shown.length > 0 && nextRows(shown, now)}
${more > 0 && html`<p class="quiet more">and ${more} more after these</p>`}
</section>`;
}

function lineItem(line: QueueLine, now: number): Html {
  const { ready, features, trusted, sentence, builders, oldest_ready_since: since } = line;
  return html`<li class="line"><div class="row-head"><span><strong>${ready}</strong> ready</span>
${features.map((feature) => html`<span class="chip">${feature}</span>`)}${!trusted && html`<span class="chip">from strangers</span>`}
<span class="row-when">oldest ${lasted(since, null, now)}</span></div>
<p class="row-what"><bdi>${sentence}</bdi></p>
${builders.length > 0 && html`<p class="row-facts">for <bdi>${builders.join(', ')}</bdi></p>`}</li>`;
}

function figure(value: number, label: string): Html {
  return html`<div class="figure"><strong>${value}</strong> <span>${label}</span></div>`;
}
