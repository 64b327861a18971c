/** Where GitHub is asked and shown: github.com, its data residency (`*.ghe.com`), or an Enterprise Server. */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { ForgeLinks } from '../../../ports/forge.ts';
import { encodePath } from '../encode-path.ts';

export function apiUrlOf(webUrl: string): string {
  const { hostname, protocol, host } = new URL(webUrl);
  if (hostname === 'github.com' || hostname === 'www.github.com') {
    return 'https://api.github.com';
  }
  return hostname.endsWith('.ghe.com') ? `${protocol}//api.${host}` : `${withoutSlash(webUrl)}/api/v3`;
}

export function repositoryPath(slug: RepositorySlug): string {
  return `/repos/${encodePath(slug)}`;
}

export function linksOf(webUrl: string): ForgeLinks {
  const page = (slug: RepositorySlug): string => `${withoutSlash(webUrl)}/${encodePath(slug)}`;
  return {
    repository: page,
    commit: (slug, sha) => `${page(slug)}/commit/${sha}`,
    branch: (slug, name) => `${page(slug)}/tree/${encodePath(name)}`,
    tag: (slug, name) => `${page(slug)}/releases/tag/${encodePath(name)}`,
    request: (slug, number) => `${page(slug)}/pull/${number}`,
  };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
