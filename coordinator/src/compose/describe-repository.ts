/** What pages and the API say of a repository that is in no row: who may see it, its pages at the forge, its hook. */
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { hookState } from '../flows/hook-state.ts';
import type { ForgeLinks } from '../ports/forge.ts';
import type { HookState, RepositoryDescription, RepositoryLinks } from '../ports/repository-description.ts';
import type { ForgeSide } from './forge-side.ts';
import type { ComposedForge } from './forges.ts';
import type { KnownRepositories } from './repositories.ts';

export interface DescriptionSources {
  /** As of now. */
  readonly known: () => KnownRepositories;
  readonly side: () => Pick<ForgeSide, 'forges' | 'hooks'> | undefined;
}

export function createDescribeRepository({ known, side }: DescriptionSources) {
  function hookOf({ appHook, settings }: ComposedForge, id: RepositoryId): HookState | null {
    const hooks = side()?.hooks;
    const hook = appHook === null ? hooks?.of(id) : hooks?.ofApp(settings.name);
    if (hook === undefined) {
      return null;
    }
    // A delivery to an App may have been about any of its repositories, also one that is not for this reader.
    return appHook === null ? hookState(hook) : { ...hookState(hook), deliveredAt: null };
  }
  return (id: RepositoryId, forge: string, slug: string): RepositoryDescription => {
    const { privateOnes, webUrls, watched } = known();
    const composed = side()?.forges.get(forge);
    const configured = watched.get(id)?.repository;
    return {
      webUrl: webUrls.get(`${forge}/${slug}`) ?? null,
      isPrivate: privateOnes.has(id),
      links:
        composed === undefined || configured === undefined
          ? null
          : linksOf(composed.forge.links, configured.slug),
      hook: composed === undefined || configured === undefined ? null : hookOf(composed, id),
    };
  };
}

function linksOf(links: ForgeLinks, slug: RepositorySlug): RepositoryLinks {
  return {
    commit: (sha) => links.commit(slug, sha),
    ref: (ref) => {
      const [, kind, name] = /^refs\/(heads|tags)\/(.+)$/s.exec(ref) ?? [];
      if (name === undefined) {
        return null;
      }
      return kind === 'tags' ? links.tag(slug, name) : links.branch(slug, name);
    },
    request: (number) => links.request(slug, number),
  };
}
