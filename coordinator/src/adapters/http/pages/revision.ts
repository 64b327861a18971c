import type { EvaluationView, RepositoryView } from '@argunix/shared/control-api/views';
import { type Html, html } from './html.ts';

export function shortSha(sha: string): string {
  return sha.slice(0, 7);
}

export function readableRef({ ref, pr_number }: Pick<EvaluationView, 'ref' | 'pr_number'>): string {
  return pr_number === null ? ref.replace(/^refs\/(?:heads\/)?/, '') : `request ${pr_number}`;
}

/** The commit on its forge's page, where there is one. */
export function commitLink(sha: string, repository: RepositoryView | undefined): Html {
  const code = html`<code title="${sha}">${shortSha(sha)}</code>`;
  const base = webAddress(repository?.web_url ?? null);
  if (base === null || repository === undefined || repository.kind === 'git') {
    return code;
  }
  const middle = repository.kind === 'gitlab' ? '/-/commit/' : '/commit/';
  return html`<a href="${base.replace(/\/$/, '')}${middle}${sha}">${code}</a>`;
}

/** Only what a browser should follow: never `javascript:` or a path of this host. */
export function webAddress(url: string | null): string | null {
  return url !== null && /^https?:\/\//i.test(url) ? url : null;
}
