/** The end of a log on the page of what wrote it; assets/follow-log.js goes on from there. */
import type { LogTail } from '../../../ports/job-logs.ts';
import { type Html, html } from './html.ts';
import { logLines, sourceOf } from './log-lines.ts';

export interface LogSection {
  readonly log: LogTail;
  /** Where all of it is, as a page where there is one, and as text. */
  readonly wholePath: string;
  readonly textPath: string;
  /** Null when no more lines can come. */
  readonly streamPath: string | null;
  /** What stands there while there are no lines. */
  readonly absence: string;
  readonly note?: Html | false;
}

export function logSection({ log, wholePath, textPath, streamPath, absence, note }: LogSection): Html {
  const first = log.lines[0];
  const last = log.lines.at(-1);
  const before = first?.number ?? 0;
  const whole =
    wholePath === textPath
      ? false
      : html`<a href="${wholePath}">${before > 0 ? 'The whole log' : 'Log alone'}</a> `;
  return html`<section aria-labelledby="log-title" class="log-section">
<div class="log-bar"><h2 id="log-title">Log</h2>
${first !== undefined && html`${whole}<a href="${textPath}">As text</a>`}
<button id="to-end" type="button" hidden>Jump to the end</button></div>
${note}
${before > 0 && html`<p class="quiet">The ${before} lines before these are in <a href="${wholePath}">the whole log</a>.</p>`}
<div id="log" class="log" tabindex="0" role="region" aria-label="Log" data-next="${last === undefined ? 0 : last.number + 1}" data-source="${last === undefined ? '' : sourceOf(last)}"${streamPath !== null && html` data-stream="${streamPath}"`}>${
    log.lines.length === 0 ? html`<p id="log-empty" class="quiet">${absence}</p>` : logLines(log.lines)
  }</div>
</section>`;
}
