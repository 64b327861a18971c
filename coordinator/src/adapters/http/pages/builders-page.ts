import type { BuilderView } from '@argunix/shared/control-api/builder-views';
import { jobPath } from '@argunix/shared/control-api/paths';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { ago, ahead, lasted } from './moments.ts';
import { slotPicture } from './slot-picture.ts';
import { builderMark, jobMark } from './state-mark.ts';
import { runningRow } from './step-rows.ts';

export function buildersPage(builders: readonly BuilderView[], now: number): Page {
  return {
    title: 'Builders',
    section: 'builders',
    body: html`<h1>Builders</h1>
<div id="builders" data-live data-queue>${
      builders.length === 0
        ? html`<p class="quiet">There is no builder, so nothing can be built: set <code>local_builds: true</code> in the configuration.</p>`
        : builders.map((one) => builderCard(one, now))
    }</div>`,
  };
}

function builderCard(builder: BuilderView, now: number): Html {
  const { name, state, slots, slots_used, current, internal_steps } = builder;
  return html`<article class="card builder-${state}">
<div class="row-head"><h2><bdi>${name}</bdi></h2>${builderMark(state)}
<span class="row-when">${state === 'absent' ? '' : `${slots_used} of ${slots} slots in use`}</span></div>
${trouble(builder, now)}
${state !== 'absent' && slotPicture(builder)}
${facts(builder)}
${
  current.length + internal_steps.length > 0 &&
  html`<ul class="rows">${current.map((job) => currentJob(job, now))}${internal_steps.map((step) => runningRow(step, { now, showsBuilder: false }))}</ul>`
}
</article>`;
}

function trouble(
  { quarantine, state, absent_since, expected_offline }: BuilderView,
  now: number,
): Html | false {
  if (state === 'absent') {
    return html`<p class="reason">${absent_since === null ? 'It is not connected.' : html`It left ${ago(absent_since, now)}.`}${expected_offline ? ' Its work waits for it.' : ''}</p>`;
  }
  return (
    quarantine !== null &&
    html`<p class="reason"><bdi>${quarantine.reason}</bdi></p>
<p class="facts">Set aside ${ago(quarantine.since, now)} after ${quarantine.failures} ${quarantine.failures === 1 ? 'failure' : 'failures'} of its own · tried again ${ahead(quarantine.until, now)}</p>`
  );
}

function facts(builder: BuilderView): Html {
  const { systems, emulated_systems, features, mandatory_features, speed_factor, nix_version, sandboxed } =
    builder;
  return html`<dl class="pairs">
<div><dt>Systems</dt><dd>${systems.join(', ')}${emulated_systems.length > 0 && html` <span class="quiet">and emulated ${emulated_systems.join(', ')}</span>`}</dd></div>
<div><dt>Features</dt><dd>${features.length === 0 ? 'none' : features.join(', ')}</dd></div>
${mandatory_features.length > 0 && html`<div><dt>Takes only what requires</dt><dd>${mandatory_features.join(', ')}</dd></div>`}
${speed_factor !== 1 && html`<div><dt>Speed</dt><dd>× ${speed_factor}</dd></div>`}
${nix_version !== null && html`<div><dt>Nix</dt><dd>${nix_version}</dd></div>`}
<div><dt>Sandbox</dt><dd>${sandboxed ? 'on' : 'off: only trusted work comes here'}</dd></div>
</dl>`;
}

function currentJob(job: BuilderView['current'][number], now: number): Html {
  return html`<li class="row"><div class="row-head">${jobMark('running', job.started_at === null ? 'starting' : 'building')}
<a class="row-title" href="${jobPath(job.repo, job.eval_id, job.attr)}"><bdi>${job.attr}</bdi></a>
<span class="row-when">${lasted(job.started_at, null, now)}</span></div>
<p class="row-facts"><bdi>${job.repo.slug}</bdi> #${job.eval_id}</p></li>`;
}
