/** Lines of a log as rows with a number to link to. assets/follow-log.js draws the same. */
import { splitSgr } from '../../../../assets/sgr.js';
import type { NumberedLine } from '../../../ports/log-store.ts';
import { displayedText } from '../displayed-text.ts';
import { type Html, html } from './html.ts';

/** A row of its own says which derivation and phase the lines below it come from, whenever that changes. */
export function logLines(lines: readonly NumberedLine[]): Html {
  let source = '';
  const rows: Html[] = [];
  for (const line of lines) {
    const from = sourceOf(line);
    if (from !== source && from !== '') {
      rows.push(html`<div class="log-source">${from}</div>`);
    }
    source = from;
    rows.push(logLine(line));
  }
  return html`${rows}`;
}

export function sourceOf({ derivation, phase }: NumberedLine): string {
  return [derivation, phase]
    .filter((part) => part !== '')
    .map(displayedText)
    .join(' · ');
}

/** Without numbers, for a few lines out of their place. */
export function logExcerpt(lines: readonly NumberedLine[]): Html {
  return html`<pre class="excerpt" tabindex="0">${lines.map(({ text }) => html`${logText(text)}\n`)}</pre>`;
}

function logLine({ number, text }: NumberedLine): Html {
  const id = `L${number + 1}`;
  return html`<div class="log-line" id="${id}"><a class="log-number" href="#${id}">${number + 1}</a><span class="log-text">${logText(text)}</span></div>`;
}

function logText(text: string): Html {
  return html`${splitSgr(displayedText(text)).map((piece) =>
    piece.className === ''
      ? html`${piece.text}`
      : html`<span class="${piece.className}">${piece.text}</span>`,
  )}`;
}
