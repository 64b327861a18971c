import { evaluationPath, jobLogPath, jobPath, repositoryPath } from '@argunix/shared/control-api/paths';
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import type { NumberedLine } from '../../../ports/log-store.ts';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { logLines } from './log-lines.ts';

export interface LogPageContent {
  readonly job: JobView;
  readonly evaluation: EvaluationView;
  readonly from: number;
  readonly lines: readonly NumberedLine[];
  readonly hasMore: boolean;
  readonly pageLines: number;
}

/** The whole log, a piece at a time: a million lines in one page would stop any browser. */
export function logPage(content: LogPageContent): Page {
  const { job, evaluation, lines } = content;
  const path = jobLogPath(evaluation.repo, evaluation.id, job.attr);
  return {
    title: `Log of ${job.attr}`,
    section: 'repositories',
    crumbs: [
      { label: 'Repositories', href: '/repos' },
      { label: evaluation.repo.slug, href: repositoryPath(evaluation.repo) },
      { label: `#${evaluation.id}`, href: evaluationPath(evaluation.repo, evaluation.id) },
      { label: job.attr, href: jobPath(evaluation.repo, evaluation.id, job.attr) },
    ],
    body: html`<h1>Log of <bdi class="attr">${job.attr}</bdi></h1>
<p class="facts"><a href="${path}?format=text">As text</a></p>
${pager(content)}
<div class="log whole">${lines.length === 0 ? html`<p class="quiet">There are no lines here.</p>` : logLines(lines)}</div>
${pager(content)}`,
  };
}

function pager({ job, evaluation, from, lines, hasMore, pageLines }: LogPageContent): Html | false {
  const path = jobLogPath(evaluation.repo, evaluation.id, job.attr);
  const next = (lines.at(-1)?.number ?? from) + 1;
  return (
    (from > 0 || hasMore) &&
    html`<nav class="pager" aria-label="Pieces of the log">
${from > 0 && html`<a href="${path}?from=${Math.max(0, from - pageLines)}">Earlier lines</a>`}
${hasMore && html`<a href="${path}?from=${next}">Later lines</a>`}</nav>`
  );
}
