import type { ForgeLinks } from '../../../ports/forge.ts';
import { encodePath } from '../encode-path.ts';

export function createGiteaLinks(webUrl: string): ForgeLinks {
  const page = (slug: string, rest: string): string => `${webUrl}/${encodePath(slug)}/${rest}`;
  return {
    repository: (slug) => `${webUrl}/${encodePath(slug)}`,
    commit: (slug, sha) => page(slug, `commit/${sha}`),
    branch: (slug, name) => page(slug, `src/branch/${encodePath(name)}`),
    tag: (slug, name) => page(slug, `src/tag/${encodePath(name)}`),
    request: (slug, number) => page(slug, `pulls/${number}`),
  };
}
