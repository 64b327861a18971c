import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startGitLabStandIn } from '../../../coordinator/test/forges/gitlab/gitlab-stand-in.ts';
import { readDelivery } from '../../../coordinator/test/forges/read-delivery.ts';
import { withChanges } from './json.ts';
import { type ForgeInTest, newUid } from './live-forge.ts';

const FIXTURES = join(import.meta.dirname, '../../../coordinator/test/forges/gitlab');
const ACTIONS = { opened: 'open', pushed: 'update', closed: 'close' } as const;

export function gitLabHeaders(event: string): Readonly<Record<string, string>> {
  return { 'x-gitlab-event': event, 'idempotency-key': newUid(), 'content-type': 'application/json' };
}

export async function gitLab(): Promise<ForgeInTest> {
  const standIn = await startGitLabStandIn();
  const project = (slug: string) => ({
    path_with_namespace: slug,
    default_branch: 'main',
    visibility_level: 0,
    id: 15,
  });
  const write = (dir: string): Promise<void> => writeFile(join(dir, 'gitlab-token'), standIn.token());
  return {
    kind: 'gitlab',
    standIn,
    settings: async (dir) => {
      await write(dir);
      return { token_path: join(dir, 'gitlab-token') };
    },
    accounts: () => [{ password: standIn.token(), username: 'oauth2' }],
    revoke: () => standIn.rotateToken(),
    renew: write,
    headRef: (number) => `refs/merge-requests/${number}/head`,
    mergeRef: (number) => `refs/merge-requests/${number}/merge`,
    appHook: () => null,
    push: ({ slug, ref, before, after, by }) => ({
      event: 'Push Hook',
      payload: withChanges(readDelivery(FIXTURES, 'push'), {
        ref,
        before,
        after,
        checkout_sha: after,
        user_username: by,
        project: project(slug),
      }),
    }),
    request: ({ slug, request: { number, headSha, headName, headSlug, baseName, author }, action, by }) => ({
      event: 'Merge Request Hook',
      payload: withChanges(readDelivery(FIXTURES, 'merge-request-open'), {
        user: { id: standIn.userId(by), username: by },
        project: project(slug),
        object_attributes: {
          iid: number,
          action: ACTIONS[action],
          ...(action === 'pushed' ? { oldrev: '1'.repeat(40) } : {}),
          author_id: standIn.userId(author),
          source_branch: headName,
          target_branch: baseName,
          source_project_id: headSlug === slug ? 15 : 77,
          target_project_id: 15,
          last_commit: { id: headSha },
        },
      }),
    }),
    sign: (_, secret) => ({ 'x-gitlab-token': secret }),
    words: { success: 'success', failure: 'failed', pending: 'pending' },
  };
}
