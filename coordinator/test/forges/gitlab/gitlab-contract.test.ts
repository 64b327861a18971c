import { Secret } from '@argunix/shared/kit/secret';
import { createGitLabForge } from '../../../src/adapters/forge/gitlab/gitlab-forge.ts';
import { describeForge } from '../forge-contract.ts';
import { startGitLabStandIn } from './gitlab-stand-in.ts';

describeForge({
  name: 'GitLab',
  states: {
    pending: 'pending',
    success: 'success',
    failure: 'failed',
    error: 'failed',
    cancelled: 'canceled',
    action_required: 'pending',
  },
  headRef: (number) => `refs/merge-requests/${number}/head`,
  mergeRef: (number) => `refs/merge-requests/${number}/merge`,
  links: (slug, sha) => ({
    repository: `/${slug}`,
    commit: `/${slug}/-/commit/${sha}`,
    branch: `/${slug}/-/tree/a/b`,
    tag: `/${slug}/-/tags/a/b`,
    request: `/${slug}/-/merge_requests/7`,
  }),
  open: async (options) => {
    const standIn = await startGitLabStandIn();
    const { forge, hooks, ...adapter } = createGitLabForge({
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
      secrets: () => ['glpat-first', 'glpat-second'],
      close: async () => await adapter.close(),
    };
  },
});
