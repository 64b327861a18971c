import { Secret } from '@argunix/shared/kit/secret';
import { createGiteaForge } from '../../../src/adapters/forge/gitea/gitea-forge.ts';
import { describeForge } from '../forge-contract.ts';
import { startGiteaStandIn } from './gitea-stand-in.ts';

for (const kind of ['gitea', 'forgejo'] as const) {
  describeForge({
    name: kind === 'gitea' ? 'Gitea' : 'Forgejo',
    states: {
      pending: 'pending',
      success: 'success',
      failure: 'failure',
      error: 'error',
      cancelled: 'error',
      action_required: 'pending',
    },
    headRef: (number) => `refs/pull/${number}/head`,
    mergeRef: null,
    spoils: ['inactive', 'events'],
    links: (slug, sha) => ({
      repository: `/${slug}`,
      commit: `/${slug}/commit/${sha}`,
      branch: `/${slug}/src/branch/a/b`,
      tag: `/${slug}/src/tag/a/b`,
      request: `/${slug}/pulls/7`,
    }),
    open: async (options) => {
      const standIn = await startGiteaStandIn(kind);
      const { forge, hooks, ...adapter } = createGiteaForge({
        name: 'here',
        webUrl: standIn.server.url,
        readToken: () => Promise.resolve(new Secret(standIn.token())),
        ...options,
      });
      return {
        forge,
        hooks,
        standIn,
        rotateCredential: () => standIn.rotateToken(),
        secrets: () => ['first-token', 'second-token'],
        close: async () => await adapter.close(),
      };
    },
  });
}
