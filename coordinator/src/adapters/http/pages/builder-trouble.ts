/** Why a builder gets no work, in plain sentences that say what to do. Nothing is said of one that is as it should be. */
import type { BuilderView } from '@argunix/shared/control-api/builder-views';
import { command } from './copyable-command.ts';
import { type Html, html } from './html.ts';
import { ago, ahead } from './moments.ts';

export function builderTrouble(builder: BuilderView, now: number): Html[] {
  switch (builder.state) {
    case 'ready':
      return [];
    case 'paused':
      return [...pause(builder, now), ...quarantine(builder, now)];
    case 'quarantined':
      return quarantine(builder, now);
    case 'absent':
      return [absence(builder, now), ...drain(builder, now)];
    case 'revoked':
      return [revocation(builder, now)];
    default:
      return builder.state satisfies never;
  }
}

function pause(builder: BuilderView, now: number): Html[] {
  const { paused, name } = builder;
  if (paused === null) {
    return [];
  }
  switch (paused.why) {
    case 'drained':
      return drain(builder, now);
    case 'stopping':
      return [
        html`<p class="reason">Its agent is stopping: it finishes what it has, then leaves. It is back once its agent is started again.</p>`,
        ...drain(builder, now),
      ];
    case 'low_disk':
      return [
        html`<p class="reason"><bdi>${paused.reason}</bdi></p>
<p class="facts">It finishes what it has and takes nothing new until there is room again. To make room, run on <bdi>${name}</bdi>:</p>${command('nix-collect-garbage')}`,
        ...drain(builder, now),
      ];
    default:
      return paused.why satisfies never;
  }
}

function drain({ name, drained_at: at, paused }: BuilderView, now: number): Html[] {
  if (at === null) {
    // Its agent was drained where it runs; only there it can be resumed.
    return paused?.why === 'drained' ? [html`<p class="reason"><bdi>${paused.reason}</bdi></p>`] : [];
  }
  return [
    html`<p class="reason">Drained ${ago(at, now)}: it finishes what it has and gets nothing new. To give it work again:</p>${command(`argunixctl builders resume ${name}`)}`,
  ];
}

function quarantine({ quarantine: trouble }: BuilderView, now: number): Html[] {
  return trouble === null
    ? []
    : [
        html`<p class="reason"><bdi>${trouble.reason}</bdi></p>
<p class="facts">Set aside ${ago(trouble.since, now)} after ${trouble.failures} ${trouble.failures === 1 ? 'failure' : 'failures'} of its own · tried again ${ahead(trouble.until, now)}</p>`,
      ];
}

function absence(builder: BuilderView, now: number): Html {
  const { enrolled, systems, absent_since: since, loss_reason: loss, expected_offline } = builder;
  if (enrolled !== null && systems.length === 0) {
    return html`<p class="reason">It enrolled ${ago(enrolled.at, now)} and has not said yet what it can build. The log of its agent says why.</p>`;
  }
  return html`<p class="reason">${since === null ? 'It is not connected.' : html`It left ${ago(since, now)}.`}${loss !== null && html` <bdi>${loss}</bdi>`}${expected_offline && ' Its work waits for it.'}</p>
${enrolled !== null && html`<p class="facts">It comes back by itself as soon as its agent runs and reaches this host.</p>`}`;
}

function revocation({ name, revoked_at: at }: BuilderView, now: number): Html {
  return html`<p class="reason">Revoked ${ago(at, now)}: its key opens nothing any more. To let it in again, or to free its name:</p>
${command(`argunixctl builders unrevoke ${name}`)}${command(`argunixctl builders remove ${name}`)}`;
}

/** A line to run. */
