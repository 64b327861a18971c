import { jobPath } from '@argunix/shared/control-api/paths';
import type { BuilderView } from '@argunix/shared/control-api/views';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { lasted } from './moments.ts';
import { jobMark } from './state-mark.ts';

export function buildersPage(builders: readonly BuilderView[], now: number): Page {
  return {
    title: 'Builders',
    section: 'builders',
    body: html`<h1>Builders</h1>
<div id="builders" data-live>${
      builders.length === 0
        ? html`<p class="quiet">There is no builder, so nothing can be built: set <code>local_builds: true</code> in the configuration.</p>`
        : builders.map((one) => builderCard(one, now))
    }</div>`,
  };
}

function builderCard(builder: BuilderView, now: number): Html {
  const { name, slots, slots_used, systems, features, nix_version, sandboxed, current } = builder;
  return html`<article class="card">
<h2><bdi>${name}</bdi></h2>
<p class="slots">${slotBar(builder)} <span>${slots_used} of ${slots} slots in use</span></p>
<dl class="pairs">
<div><dt>Systems</dt><dd>${systems.join(', ')}</dd></div>
<div><dt>Features</dt><dd>${features.length === 0 ? 'none' : features.join(', ')}</dd></div>
<div><dt>Nix</dt><dd>${nix_version}</dd></div>
<div><dt>Sandbox</dt><dd>${sandboxed ? 'on' : 'off: only trusted work should come here'}</dd></div>
</dl>
${current.length > 0 && html`<ul class="rows">${current.map((job) => currentJob(job, now))}</ul>`}
</article>`;
}

function currentJob(job: BuilderView['current'][number], now: number): Html {
  return html`<li class="row"><div class="row-head">${jobMark('running', 'building')}
<a class="row-title" href="${jobPath(job.repo, job.eval_id, job.attr)}"><bdi>${job.attr}</bdi></a>
<span class="row-when">${lasted(job.started_at, null, now)}</span></div>
<p class="row-facts"><bdi>${job.repo.slug}</bdi> #${job.eval_id}</p></li>`;
}

function slotBar({ slots, slots_used }: BuilderView): Html {
  const used = slots === 0 ? 0 : (Math.min(slots_used, slots) * 1000) / slots;
  return html`<svg class="bar" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true"><rect class="f-none" width="1000" height="8"/><rect class="f-running" width="${used.toFixed(2)}" height="8"/></svg>`;
}
