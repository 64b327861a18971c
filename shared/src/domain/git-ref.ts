import type { Brand } from './brand.ts';

/** A full ref name (`refs/heads/main`): the one form in which refs are kept and compared. */
export type GitRef = Brand<string, 'GitRef'>;

const HEADS = 'refs/heads/';

/** By the rules of git-check-ref-format(1); a bare name is read as a branch. */
export function parseGitRef(text: string): GitRef | undefined {
  const full = text.startsWith('refs/') ? text : HEADS + text;
  const parts = full.split('/');
  const isBroken =
    parts.length < 3 ||
    // oxlint-disable-next-line no-control-regex -- git refuses control characters too
    /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\.$/u.test(full) ||
    parts.some((part) => part === '' || part.startsWith('.') || part.endsWith('.lock'));
  return isBroken ? undefined : (full as GitRef);
}

/** `refs/heads/main` as `main`, `refs/tags/v1` as `tags/v1`: what people read. */
export function shortRef(ref: GitRef): string {
  return ref.startsWith(HEADS) ? ref.slice(HEADS.length) : ref.slice('refs/'.length);
}

export function isBranch(ref: GitRef): boolean {
  return ref.startsWith(HEADS);
}
