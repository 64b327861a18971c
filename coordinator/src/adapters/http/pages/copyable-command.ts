import { type Html, html } from './html.ts';

/** A line for a shell, with a button that copies it where scripts run. */
export function command(line: string): Html {
  return html`<p class="copyable"><code data-copy>${line}</code></p>`;
}
