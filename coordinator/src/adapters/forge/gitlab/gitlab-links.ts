import type { ForgeLinks } from '../../../ports/forge.ts';
import { encodePath } from '../encode-path.ts';

export function createGitLabLinks(webUrl: string): ForgeLinks {
  const page = (slug: string, rest: string): string => `${webUrl}/${encodePath(slug)}/-/${rest}`;
  return {
    repository: (slug) => `${webUrl}/${encodePath(slug)}`,
    commit: (slug, sha) => page(slug, `commit/${sha}`),
    branch: (slug, name) => page(slug, `tree/${encodePath(name)}`),
    tag: (slug, name) => page(slug, `tags/${encodePath(name)}`),
    request: (slug, number) => page(slug, `merge_requests/${number}`),
  };
}
