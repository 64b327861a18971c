import type { BuilderView } from '@argunix/shared/control-api/builder-views';
import { type Html, html } from './html.ts';
import { levelBar } from './level-bar.ts';

// More boxes than that are too small to count.
const MOST_BOXES = 48;

/** A box for each slot, filled where it is taken; a bar where there are too many to count. */
export function slotPicture({ slots, slots_used }: BuilderView): Html {
  const used = Math.min(slots_used, slots);
  const label = `${slots_used} of ${slots} slots in use`;
  if (slots === 0 || slots > MOST_BOXES) {
    return levelBar(used / slots, label);
  }
  return html`<p class="slots" role="img" aria-label="${label}">${Array.from(
    { length: slots },
    (_, index) =>
      html`<svg class="slot" viewBox="0 0 16 16" aria-hidden="true"><rect class="${index < used ? 'f-running' : 'f-none'}" width="16" height="16" rx="4"/></svg>`,
  )}</p>`;
}
