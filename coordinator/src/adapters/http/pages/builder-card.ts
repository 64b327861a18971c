import type { BuilderView } from '@argunix/shared/control-api/builder-views';
import { jobPath } from '@argunix/shared/control-api/paths';
import { builderTrouble } from './builder-trouble.ts';
import { hostLevels } from './host-levels.ts';
import { type Html, html, join } from './html.ts';
import { ago, lasted } from './moments.ts';
import { slotPicture } from './slot-picture.ts';
import { builderMark, jobMark } from './state-mark.ts';
import { runningRow } from './step-rows.ts';
import { transferRow } from './transfer-rows.ts';

export function builderCard(builder: BuilderView, now: number): Html {
  const { name, state, slots, slots_used } = builder;
  const isThere = state !== 'absent' && state !== 'revoked';
  const work = workRows(builder, now);
  return html`<article class="card builder builder-${state === 'paused' ? (builder.paused?.why ?? state) : state}">
<div class="row-head"><h2><bdi>${name}</bdi></h2>${builderMark(builder)}
<span class="row-when">${isThere && `${slots_used} of ${slots} slots in use`}</span></div>
<div class="builder-parts">
<div>
${builderTrouble(builder, now)}
${isThere && slotPicture(builder)}
${hostLevels(builder)}
${facts(builder)}
${link(builder, now)}
</div>
${work.length > 0 && html`<ul class="rows">${work}</ul>`}
</div>
</article>`;
}

function workRows({ current, internal_steps, transfers }: BuilderView, now: number): Html[] {
  return [
    ...transfers.map((transfer) => transferRow(transfer, now)),
    ...current.map((job) => currentJob(job, now)),
    ...internal_steps.map((step) => runningRow(step, { now, showsBuilder: false })),
  ];
}

/** What it can do, as it was last there; nothing for one that never was. */
function facts(builder: BuilderView): Html | false {
  const { systems, emulated_systems, features, mandatory_features, speed_factor, nix_version, sandboxed } =
    builder;
  return (
    systems.length > 0 &&
    html`<dl class="pairs">
<div><dt>Systems</dt><dd>${systems.join(', ')}${emulated_systems.length > 0 && html` <span class="quiet">and emulated ${emulated_systems.join(', ')}</span>`}</dd></div>
<div><dt>Features</dt><dd>${features.length === 0 ? 'none' : features.join(', ')}</dd></div>
${mandatory_features.length > 0 && html`<div><dt>Takes only what requires</dt><dd>${mandatory_features.join(', ')}</dd></div>`}
${speed_factor !== 1 && html`<div><dt>Speed</dt><dd>× ${speed_factor}</dd></div>`}
${nix_version !== null && html`<div><dt>Nix</dt><dd>${nix_version}</dd></div>`}
<div><dt>Sandbox</dt><dd>${sandboxed ? 'on' : 'off: only trusted work comes here'}</dd></div>
</dl>`
  );
}

/** Its connection and its key, as far as this reader may know them. */
function link(builder: BuilderView, now: number): Html | false {
  const key = builder.enrolled?.key_fingerprint ?? null;
  const { enrolled, connected_since, last_seen_at, round_trip_ms: trip, agent_version } = builder;
  const said = [
    ...(connected_since === null ? [] : [html`connected ${ago(connected_since, now)}`]),
    ...(builder.heartbeat_age_ms === null ? [] : [html`heartbeat ${ago(last_seen_at, now)}`]),
    ...(trip === null ? [] : [html`${trip < 10 ? trip.toFixed(1) : Math.round(trip)} ms there and back`]),
    ...(agent_version === null ? [] : [html`agent <bdi>${agent_version}</bdi>`]),
    ...(enrolled === null ? [] : [html`enrolled ${ago(enrolled.at, now)} by ${enrolled.by}`]),
    ...(key === null ? [] : [html`key <code>${key}</code>`]),
  ];
  return said.length > 0 && html`<p class="facts link">${join(said, ' · ')}</p>`;
}

function currentJob(job: BuilderView['current'][number], now: number): Html {
  return html`<li class="row"><div class="row-head">${jobMark('running', job.started_at === null ? 'starting' : 'building')}
<a class="row-title" href="${jobPath(job.repo, job.eval_id, job.attr)}"><bdi>${job.attr}</bdi></a>
<span class="row-when">${lasted(job.started_at, null, now)}</span></div>
<p class="row-facts"><bdi>${job.repo.slug}</bdi> #${job.eval_id}</p></li>`;
}
