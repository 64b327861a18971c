import { BUILDER_STATES, type BuilderView } from '@argunix/shared/control-api/builder-views';
import type { BuilderDoorView } from '../builder-door.ts';
import { addBuilder } from './add-builder.ts';
import { builderCard } from './builder-card.ts';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { ago } from './moments.ts';

export interface BuildersPageContent {
  readonly builders: readonly BuilderView[];
  readonly door: BuilderDoorView;
  readonly now: number;
}

// Load and transfers change without any event of the queue.
const REFRESH_SECONDS = 5;

export function buildersPage({ builders, door, now }: BuildersPageContent): Page {
  return {
    title: 'Builders',
    section: 'builders',
    body: html`<h1>Builders</h1>
<div id="builders" data-live data-queue data-every="${REFRESH_SECONDS}">${
      builders.length === 0
        ? html`<p class="quiet">There is no builder, so nothing can be built: set <code>local_builds: true</code> in the configuration, or add one of another host.</p>`
        : html`${summary(builders)}${builders.map((one) => builderCard(one, now))}`
    }</div>
${addBuilder(door)}
<div id="refusals" data-live>${door.refusals.length > 0 && refusalRows(door.refusals, now)}</div>`,
  };
}

const STATE_WORDS: Readonly<Record<BuilderView['state'], string>> = {
  ready: 'ready',
  paused: 'taking nothing new',
  quarantined: 'set aside',
  absent: 'away',
  revoked: 'revoked',
};

/** Of one builder its card says it all. */
function summary(builders: readonly BuilderView[]): Html | false {
  const byState = BUILDER_STATES.flatMap((wanted) => {
    const count = builders.filter(({ state }) => state === wanted).length;
    return count === 0 ? [] : [`${count} ${STATE_WORDS[wanted]}`];
  });
  return builders.length > 1 && html`<p class="facts">${byState.join(' · ')}</p>`;
}

function refusalRows(refusals: BuilderDoorView['refusals'], now: number): Html {
  return html`<section aria-labelledby="refusals-title"><h2 id="refusals-title">Turned away at the door</h2>
<ul class="rows">${refusals.map(
    ({ at, from, reason }) => html`<li class="row"><div class="row-head"><bdi>${from}</bdi>
<span class="row-when">${ago(at, now)}</span></div>
<p class="row-what"><bdi>${reason}</bdi></p></li>`,
  )}</ul></section>`;
}
