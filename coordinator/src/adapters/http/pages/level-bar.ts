import { type Html, html } from './html.ts';

// From here on a person should look: what is nearly full slows everything down before it is full.
const NEARLY_FULL = 0.9;

/** How much of something is taken, as a bar. `label` says it in words. */
export function levelBar(part: number, label: string, warnsWhenFull = false): Html {
  const share = Math.min(1, Math.max(0, Number.isFinite(part) ? part : 0));
  const fill = warnsWhenFull && share >= NEARLY_FULL ? 'timed_out' : 'running';
  return html`<svg class="bar" viewBox="0 0 1000 8" preserveAspectRatio="none" role="img" aria-label="${label}"><rect class="f-none" width="1000" height="8"/><rect class="f-${fill}" width="${(share * 1000).toFixed(2)}" height="8"/></svg>`;
}
