import { parseRepositorySlug, type RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { expect, test } from 'vitest';
import { forgeSource } from './forge-source.ts';

const id = 1 as never;
const forge = { name: 'work', cloneUrl: (one: RepositorySlug) => `https://forge.example:8443/${one}.git` };

function slug(text: string): RepositorySlug {
  const verdict = parseRepositorySlug(text);
  if (verdict.kind === 'refused') {
    throw new Error(verdict.reason);
  }
  return verdict.slug;
}

test('by https a repository and what it may fetch are asked for with what the forge says', () => {
  const source = forgeSource(id, forge, {
    ...{ slug: slug('owner/a'), clone: { method: 'https' }, fetchableSlugs: [slug('owner/b')] },
  });

  expect(source).toEqual({
    repositoryId: 1,
    url: 'https://forge.example:8443/owner/a.git',
    credential: { kind: 'forge', forge: 'work', slug: 'owner/a' },
    fetchable: [{ slug: 'owner/b', url: 'https://forge.example:8443/owner/b.git' }],
  });
});

test('by SSH both are asked for with the key, at the usual port of the same host', () => {
  const source = forgeSource(id, forge, {
    ...{ slug: slug('owner/a'), fetchableSlugs: [slug('owner/b')] },
    clone: { method: 'ssh', keyPath: '/run/key' },
  });

  expect(source).toMatchObject({
    url: 'ssh://git@forge.example/owner/a.git',
    credential: { kind: 'ssh_key', path: '/run/key' },
    fetchable: [{ url: 'ssh://git@forge.example/owner/b.git' }],
  });
});
