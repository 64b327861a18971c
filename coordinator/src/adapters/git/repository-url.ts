/**
 * Where git may fetch from, judged before git sees it. A URL of ours may use any transport that runs no program of the
 * URL's choice; a URL that a revision names (submodule, large files) is a stranger's: https and ssh alone, or relative
 * to the repository it is in.
 */
import { dirname, resolve } from 'node:path';

export type Transport = 'file' | 'https' | 'http' | 'ssh' | 'git';

export interface RepositoryUrl {
  readonly text: string;
  readonly transport: Transport;
}

export type UrlVerdict =
  | { readonly kind: 'url'; readonly url: RepositoryUrl }
  | { readonly kind: 'refused'; readonly reason: string };

// Of a URL that a revision names: it may be as long as its file.
const MOST_SHOWN = 300;
const SCHEMES: Readonly<Record<string, Transport>> = {
  file: 'file',
  https: 'https',
  http: 'http',
  ssh: 'ssh',
  git: 'git',
};
// user@host:path, the short form of ssh; a second colon would make it name a remote helper (`ext::sh -c …`).
const SHORT_SSH = /^(?:[\w.-]+@)?[A-Za-z0-9][\w.-]*:(?!:)[^-]/;

/** A URL or path as the operator gave it. */
export function parseRepositoryUrl(text: string): UrlVerdict {
  // oxlint-disable-next-line no-control-regex -- control characters are what this refuses
  if (text === '' || text.startsWith('-') || /[\u0000-\u001f\u007f]/.test(text)) {
    return refused(text, 'a path or URL without control characters that does not begin with a dash');
  }
  if (/^\.{0,2}\//.test(text)) {
    return accepted(resolve(text), 'file');
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1];
  if (scheme === undefined) {
    return SHORT_SSH.test(text)
      ? accepted(text, 'ssh')
      : refused(text, 'an absolute path, https://, ssh://, http://, git://, file:// or user@host:path');
  }
  const transport = SCHEMES[scheme.toLowerCase()];
  if (transport === undefined || !URL.canParse(text)) {
    return refused(text, 'https://, ssh://, http://, git:// or file://');
  }
  const url = new URL(text);
  if (url.password !== '') {
    return refused(text, 'a URL without a password');
  }
  if (transport === 'file' && url.hostname !== '') {
    return refused(text, 'file:/// and an absolute path');
  }
  return accepted(text, transport);
}

/** A URL that a revision names. `base` is where the repository of that revision came from. */
export function parseForeignUrl(text: string, base: RepositoryUrl): UrlVerdict {
  if (/^\.\.?\//.test(text) || text === '..' || text === '.') {
    return resolveRelative(text, base);
  }
  const verdict = text.startsWith('/') ? refused(text, 'no path of this host') : parseRepositoryUrl(text);
  return verdict.kind === 'refused' || verdict.url.transport === 'https' || verdict.url.transport === 'ssh'
    ? verdict
    : refused(text, 'https://, ssh:// or a relative URL');
}

/** Without user and password: what may be shown and logged. */
export function shownUrl(text: string): string {
  return text.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/@]*@/, '$1');
}

/** As git-submodule(1) reads it, but never above the host, nor outside the directory that holds a local repository. */
function resolveRelative(text: string, base: RepositoryUrl): UrlVerdict {
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*\/|[^/:]+:(?!\/\/)|)(.*)$/s.exec(
    base.text.replace(/(?<!\/)\/+$/, ''),
  );
  const head = parts?.[1] ?? '';
  const segments = (parts?.[2] ?? '').split('/');
  for (const step of text.split('/')) {
    if (step === '..') {
      if (segments.length === 0 || segments.at(-1) === '') {
        return refused(text, 'a relative URL that stays on the host of its repository');
      }
      segments.pop();
    } else if (step !== '.' && step !== '') {
      segments.push(step);
    }
  }
  const verdict = parseRepositoryUrl(head + segments.join('/'));
  if (
    verdict.kind === 'url' &&
    base.transport === 'file' &&
    !localPath(verdict.url).startsWith(`${dirname(localPath(base))}/`)
  ) {
    return refused(text, `a relative URL that stays in ${dirname(localPath(base))}`);
  }
  return verdict;
}

/** The path that git opens for a `file` URL. */
export function localPath(url: RepositoryUrl): string {
  return resolve(url.text.startsWith('/') ? url.text : decodeURIComponent(url.text.slice('file://'.length)));
}

function accepted(text: string, transport: Transport): UrlVerdict {
  return { kind: 'url', url: { text, transport } };
}

function refused(text: string, expected: string): UrlVerdict {
  return {
    kind: 'refused',
    reason: `expected ${expected}, got ${JSON.stringify(shownUrl(text).slice(0, MOST_SHOWN))}`,
  };
}
