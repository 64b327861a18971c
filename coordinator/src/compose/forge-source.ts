/** Where a repository of a forge is cloned from, as whom, and what else its trusted revisions may fetch. */
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { ForgeRepositorySettings } from '../config/configuration.ts';
import type { Forge } from '../ports/forge.ts';
import type { Source } from '../ports/source-checkout.ts';

export function forgeSource(
  repositoryId: RepositoryId,
  forge: Pick<Forge, 'name' | 'cloneUrl'>,
  { slug, clone, fetchableSlugs }: Pick<ForgeRepositorySettings, 'slug' | 'clone' | 'fetchableSlugs'>,
): Source {
  const urlOf = (one: RepositorySlug): string =>
    clone.method === 'ssh' ? sshUrl(forge.cloneUrl(one)) : forge.cloneUrl(one);
  return {
    repositoryId,
    url: urlOf(slug),
    credential:
      clone.method === 'ssh'
        ? { kind: 'ssh_key', path: clone.keyPath }
        : { kind: 'forge', forge: forge.name, slug },
    fetchable: fetchableSlugs.map((one) => ({ slug: one, url: urlOf(one) })),
  };
}

/** Forges serve SSH as the user git of the same host; a port of the web address says nothing about that of SSH. */
function sshUrl(cloneUrl: string): string {
  const { hostname, pathname } = new URL(cloneUrl);
  return `ssh://git@${hostname}${pathname}`;
}
