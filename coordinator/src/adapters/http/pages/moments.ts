/** Points and lengths of time. Their text is right when the page is made; the page's script keeps it so. */
import { formatAgo, formatDuration, formatIn } from '../durations.ts';
import { spanMs } from '../sentences.ts';
import { type Html, html } from './html.ts';

export function ago(at: string | null, now: number): Html {
  return at === null
    ? html``
    : html`<time datetime="${at}" title="${plainTime(at)}" data-ago>${formatAgo(Date.parse(at), now)}</time>`;
}

/** What lies ahead. */
export function ahead(at: string, now: number): Html {
  return html`<time datetime="${at}" title="${plainTime(at)}" data-in>${formatIn(Date.parse(at), now)}</time>`;
}

/** How long from one to the other, or until now when it goes on; null for what has not begun. */
export function lasted(from: string | null, to: string | null, now: number): Html | null {
  if (from === null) {
    return null;
  }
  return to === null
    ? html`<span data-since="${from}">${formatDuration(Math.max(0, now - Date.parse(from)))}</span>`
    : html`${formatDuration(spanMs(from, to) ?? 0)}`;
}

function plainTime(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
}
