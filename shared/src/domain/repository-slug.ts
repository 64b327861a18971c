import type { Brand } from './brand.ts';

/** `owner/name`, or a longer path where a forge has groups: what names a repository within its forge. */
export type RepositorySlug = Brand<string, 'RepositorySlug'>;

/** The sentence that refuses a slug says what is wrong with it. */
export type SlugVerdict =
  | { readonly kind: 'slug'; readonly slug: RepositorySlug }
  | { readonly kind: 'refused'; readonly reason: string };

// The names that HTTP routes put behind a slug; a segment of that name would make a URL mean two things.
const RESERVED = new Set(['eval', 'ref', '.', '..']);

export function parseRepositorySlug(text: string): SlugVerdict {
  const segments = text.split('/');
  if (segments.length < 2) {
    return { kind: 'refused', reason: `expected owner/name, got ${JSON.stringify(text)}` };
  }
  if (segments.some((segment) => segment === '')) {
    return { kind: 'refused', reason: `expected no empty part between slashes, got ${JSON.stringify(text)}` };
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what this refuses
  if (/[\s\u0000-\u001f\u007f?#%\\:]/u.test(text)) {
    return {
      kind: 'refused',
      reason: `expected no spaces, control characters or any of ? # % \\ :, got ${JSON.stringify(text)}`,
    };
  }
  const reserved = segments.find((segment) => RESERVED.has(segment));
  if (reserved !== undefined) {
    return {
      kind: 'refused',
      reason: `expected no part named ${JSON.stringify(reserved)}, got ${JSON.stringify(text)}`,
    };
  }
  return { kind: 'slug', slug: text as RepositorySlug };
}
