import { badgePath, repositoryPath } from '@argunix/shared/control-api/paths';
import type { RepositoryView } from '@argunix/shared/control-api/views';
import type { EvaluationPage } from '../readable-views.ts';
import { evaluationList } from './evaluation-list.ts';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { ago } from './moments.ts';
import { linked, webAddress } from './revision.ts';

export interface RepositoryPageContent {
  readonly repository: RepositoryView;
  readonly page: EvaluationPage;
  readonly branch: string | undefined;
  readonly isFirstPage: boolean;
  readonly externalUrl: string;
  readonly now: number;
}

export function repositoryPage(content: RepositoryPageContent): Page {
  const { repository, page, branch, isFirstPage, now } = content;
  const { slug, forge, trouble } = repository;
  return {
    title: slug,
    section: 'repositories',
    crumbs: [{ label: 'Repositories', href: '/repos' }],
    body: html`<h1><bdi>${slug}</bdi></h1>
<div id="source" data-live><p class="facts">${forge} · ${source(repository)} · looked at ${
      repository.checked_at === null ? 'not yet' : ago(repository.checked_at, now)
    }</p>
<p class="facts">${seenBy(repository)} · ${toldBy(repository, now)}</p>${trouble !== null && html`<p class="warning">${trouble}</p>`}</div>
<section aria-labelledby="evaluations-title"><h2 id="evaluations-title">Evaluations</h2>
${branchFilter(repository, branch)}
<div id="evaluations" data-live>${
      page.evaluations.length === 0
        ? html`<p class="quiet">${isFirstPage ? 'Nothing was evaluated here yet.' : 'There is nothing older.'}</p>`
        : evaluationList(page.evaluations, { now, showsRepository: false })
    }</div>
${olderLink(content)}
</section>
${badgeSection(content)}`,
  };
}

function source({ web_url, default_branch, default_branch_url, kind }: RepositoryView): Html {
  const address = webAddress(web_url);
  const place = address === null ? html`a ${kind} repository` : html`<a href="${address}">${address}</a>`;
  const branch = default_branch?.replace('refs/heads/', '');
  return html`${place}${branch !== undefined && html` · default branch ${linked(html`<bdi>${branch}</bdi>`, default_branch_url)}`}`;
}

function seenBy({ visibility }: RepositoryView): string {
  return visibility === 'private' ? 'private: only readers with a token see it' : 'public: everybody sees it';
}

/** How we hear of pushes, in plain words. */
function toldBy({ hook, kind, forge, trouble }: RepositoryView, now: number): Html {
  if (hook === null) {
    return html`${kind === 'git' ? 'it has no forge that tells of pushes: it is looked at again and again' : 'pushes are found by looking'}`;
  }
  switch (hook.state) {
    case 'good':
      return html`${forge} tells of pushes by a webhook${hook.delivered_at !== null && html`, the last time ${ago(hook.delivered_at, now)}`}`;
    case 'never_installed':
      return html`the webhook at ${forge} is not installed yet: until then pushes are found by looking, some minutes later`;
    case 'trouble':
      return html`the webhook at ${forge} does not work, so pushes are found by looking, some minutes later${trouble?.includes(hook.trouble ?? '') !== true && html`: <span class="reason">${hook.trouble}</span>`}`;
    default:
      return hook.state satisfies never;
  }
}

function branchFilter(repository: RepositoryView, branch: string | undefined): Html {
  return html`<form class="filter" method="get" action="${repositoryPath(repository)}">
<label>Branch <input name="branch" value="${branch}" placeholder="all" autocapitalize="off" spellcheck="false"></label>
<button>Show</button>
${branch !== undefined && html`<a href="${repositoryPath(repository)}">All branches</a>`}
</form>`;
}

function olderLink({ repository, page, branch }: RepositoryPageContent): Html | false {
  if (page.before === null) {
    return false;
  }
  const query = new URLSearchParams({ before: String(page.before), ...(branch !== undefined && { branch }) });
  return html`<p class="pager"><a href="${repositoryPath(repository)}?${query.toString()}">Older evaluations</a></p>`;
}

function badgeSection({ repository, externalUrl }: RepositoryPageContent): Html {
  const base = externalUrl.replace(/\/$/, '');
  const badge = badgePath(repository);
  const markdown = `[![argunix](${base}${badge})](${base}${repositoryPath(repository)})`;
  return html`<section aria-labelledby="badge-title"><h2 id="badge-title">Badge</h2>
<p><img src="${badge}" alt="Badge of the default branch" height="20"></p>
<p class="copyable"><code data-copy>${markdown}</code></p></section>`;
}
