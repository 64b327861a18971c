/** What git can clone from, judged before git sees it: a URL may hold no credentials and start no helper program. */
export type GitUrlVerdict =
  | { readonly kind: 'url'; readonly transport: 'https' | 'http' | 'ssh' | 'git' | 'path' }
  | { readonly kind: 'refused'; readonly expected: string; readonly holdsSecret: boolean };

const FORMS =
  'a path, or a URL that begins with https://, http://, ssh://, git:// or file://, or user@host:path';

export function judgeGitUrl(url: string): GitUrlVerdict {
  // oxlint-disable-next-line no-control-regex -- control characters are what this refuses
  if (url.startsWith('-') || /[\u0000-\u001f\u007f]/.test(url)) {
    return refused(FORMS);
  }
  if (/^(?:\/|\.\.?\/)/.test(url)) {
    return { kind: 'url', transport: 'path' };
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    // `ext::sh -c …` is a remote helper: a program of the URL's choice.
    return /^[\w.-]+@[\w.-]+:[^:]/.test(url) ? { kind: 'url', transport: 'ssh' } : refused(FORMS);
  }
  if (scheme === 'file') {
    return { kind: 'url', transport: 'path' };
  }
  if (!isTransport(scheme) || !URL.canParse(url)) {
    return refused(FORMS);
  }
  const { username, password } = new URL(url);
  const holdsSecret = password !== '' || (username !== '' && scheme !== 'ssh');
  return holdsSecret
    ? {
        kind: 'refused',
        holdsSecret,
        expected:
          'a URL without credentials (they would show in logs and process lists); put the token into a file and name it with token_path',
      }
    : { kind: 'url', transport: scheme };
}

function isTransport(scheme: string): scheme is 'https' | 'http' | 'ssh' | 'git' {
  return ['https', 'http', 'ssh', 'git'].includes(scheme);
}

function refused(expected: string): GitUrlVerdict {
  return { kind: 'refused', expected, holdsSecret: false };
}
