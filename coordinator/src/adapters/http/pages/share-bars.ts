/** Who got how much of the builders lately, against what their weights are due. */
import { repositoryPath } from '@argunix/shared/control-api/paths';
import type { QueueShare } from '@argunix/shared/control-api/queue-views';
import { formatDuration } from '../durations.ts';
import { type Html, html } from './html.ts';

export function shareBars(shares: readonly QueueShare[]): Html {
  const weights = sum(shares.map(({ weight }) => weight));
  const seconds = sum(shares.map((share) => share.recent_build_seconds));
  return html`<ul class="rows">${shares.map((share) => {
    const due = weights === 0 ? 0 : share.weight / weights;
    const part = seconds === 0 ? 0 : share.recent_build_seconds / seconds;
    const { repo, weight, ready, running, recent_build_seconds: built } = share;
    return html`<li class="row">
<div class="row-head"><a class="row-title" href="${repositoryPath(repo)}"><bdi>${repo.slug}</bdi></a>
<span class="row-when">${percent(part)}</span></div>
${bar(part, due)}
<p class="row-facts">${running} running, ${ready} ready · built ${built === 0 ? 'nothing' : formatDuration(built * 1000)} lately${weight !== 1 && ` · weight ${weight}`}</p>
</li>`;
  })}</ul>`;
}

function bar(part: number, due: number): Html {
  const label = `${percent(part)} of the recent build time; ${percent(due)} are due`;
  const mark = Math.min(998, Math.max(2, due * 1000));
  return html`<svg class="bar share" viewBox="0 0 1000 8" preserveAspectRatio="none" role="img" aria-label="${label}"><title>${label}</title><rect class="f-none" width="1000" height="8"/><rect class="f-running" width="${(part * 1000).toFixed(2)}" height="8"/><path class="due" d="M${mark.toFixed(2)} 0V8"/></svg>`;
}

function percent(part: number): string {
  return `${Math.round(part * 100)}%`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
