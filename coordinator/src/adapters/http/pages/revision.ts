import type { EvaluationView, RepositoryView } from '@argunix/shared/control-api/views';
import { isUnreached } from '../../../domain/unreached-ref.ts';
import { type Html, html } from './html.ts';

export function shortSha(sha: string): string {
  return sha.slice(0, 7);
}

export function readableRef({ ref, pr_number }: Pick<EvaluationView, 'ref' | 'pr_number'>): string {
  if (isUnreached(ref)) {
    return 'no branch';
  }
  return pr_number === null ? ref.replace(/^refs\/(?:heads\/)?/, '') : `request ${pr_number}`;
}

/** The commit, with its page at the forge where there is one. */
export function commitLink(sha: string, url: string | null): Html {
  return linked(html`<code title="${sha}">${shortSha(sha)}</code>`, url);
}

/** As the forge itself writes it. */
export function requestName(number: number, kind: RepositoryView['kind'] | undefined): string {
  return `${kind === 'gitlab' ? '!' : '#'}${number}`;
}

export function linked(what: Html, url: string | null): Html {
  const address = webAddress(url);
  return address === null ? what : html`<a href="${address}">${what}</a>`;
}

/** Only what a browser should follow: never `javascript:` or a path of this host. */
export function webAddress(url: string | null): string | null {
  return url !== null && /^https?:\/\//i.test(url) ? url : null;
}
