/** The URLs by which people name one repository of a forge: by http and by SSH, with and without `.git`. */
import { parseRepositoryUrl } from './repository-url.ts';

const WITH_SCHEME = /^(https?|ssh):\/\/(?:[^/@]*@)?(\[[^\]]*\]|[^/?#:@]+)(:\d+)?\/+([^?#]+)$/i;
const SHORT_SSH = /^(?:[\w.-]+@)?([A-Za-z0-9][\w.-]*)():([^/].*)$/;

/** It itself, and where it has a host, those of the usual ports of that host; never another path. */
export function spellingsOf(url: string): readonly string[] {
  const trimmed = withoutSuffix(url);
  return [...new Set([trimmed, ...usualSpellings(trimmed)])].flatMap((one) => [one, `${one}.git`]);
}

function usualSpellings(url: string): readonly string[] {
  const verdict = parseRepositoryUrl(url);
  if (verdict.kind === 'refused' || verdict.url.transport === 'file' || verdict.url.transport === 'git') {
    return [];
  }
  const [, scheme = '', host = '', port = '', path = ''] = WITH_SCHEME.exec(url) ?? [
    '',
    'ssh',
    ...(SHORT_SSH.exec(url)?.slice(1) ?? []),
  ];
  // What http serves on some port is nothing that https of the same host need know.
  const web = scheme.toLowerCase() === 'ssh' ? `https://${host}` : `${scheme.toLowerCase()}://${host}${port}`;
  return host === '' || path === ''
    ? []
    : [`${web}/${path}`, `ssh://git@${host}/${path}`, `ssh://${host}/${path}`, `git@${host}:${path}`];
}

/** Equal for what differs in the case of the host, and in slashes and `.git` at the end. */
export function comparableUrl(url: string): string {
  return withoutSuffix(url).replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*|^[^/:]+:/i, (head) => head.toLowerCase());
}

function withoutSuffix(url: string): string {
  return url.replace(/(?<!\/)\/+$/, '').replace(/\.git$/, '');
}
