import { evaluationPath, repositoryPath } from '@argunix/shared/control-api/paths';
import type { RepositoryView } from '@argunix/shared/control-api/views';
import { whyEvaluation } from '../sentences.ts';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { ago } from './moments.ts';
import { progressBar } from './progress-bar.ts';
import { evaluationMark, jobMark } from './state-mark.ts';

export function repositoriesPage(repositories: readonly RepositoryView[], now: number): Page {
  return {
    title: 'Repositories',
    section: 'repositories',
    body: html`<h1>Repositories</h1>
<div id="repositories" data-live>${
      repositories.length === 0
        ? html`<p class="quiet">No repository is configured yet: add one under <code>forges</code> in the configuration.</p>`
        : html`<ul class="rows">${repositories.map((one) => repositoryRow(one, now))}</ul>`
    }</div>`,
  };
}

function repositoryRow(repository: RepositoryView, now: number): Html {
  const { forge, slug, latest, trouble, checked_at } = repository;
  return html`<li class="row">
<div class="row-head">${latest === null ? jobMark('queued', 'not evaluated yet') : evaluationMark(latest)}
<a class="row-title" href="${repositoryPath(repository)}"><bdi>${slug}</bdi></a>
<span class="row-when">${latest !== null && ago(latest.created_at, now)}</span></div>
${latest !== null && html`<p class="row-what"><a href="${evaluationPath(latest.repo, latest.id)}">#${latest.id}</a>: ${whyEvaluation(latest)}</p>${latest.counts.total > 0 && progressBar(latest.counts)}`}
${trouble !== null && html`<p class="warning">${trouble}</p>`}
<p class="row-facts">${forge}${checked_at !== null && html` · looked at ${ago(checked_at, now)}`}</p>
</li>`;
}
