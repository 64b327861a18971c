import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startGiteaStandIn } from '../../../coordinator/test/forges/gitea/gitea-stand-in.ts';
import { readDelivery } from '../../../coordinator/test/forges/read-delivery.ts';
import { withChanges } from './json.ts';
import { type ForgeInTest, hmacHeader, newUid } from './live-forge.ts';

const FIXTURES = join(import.meta.dirname, '../../../coordinator/test/forges/gitea');
const ACTIONS = { opened: 'opened', pushed: 'synchronized', closed: 'closed' } as const;

export function forgejoHeaders(event: string): Readonly<Record<string, string>> {
  return { 'x-forgejo-event': event, 'x-forgejo-delivery': newUid(), 'content-type': 'application/json' };
}

export async function forgejo(): Promise<ForgeInTest> {
  const standIn = await startGiteaStandIn('forgejo');
  const write = (dir: string): Promise<void> => writeFile(join(dir, 'forgejo-token'), standIn.token());
  const repository = (slug: string) => ({
    id: 15,
    full_name: slug,
    default_branch: 'main',
    private: true,
  });
  return {
    kind: 'forgejo',
    standIn,
    settings: async (dir) => {
      await write(dir);
      return { token_path: join(dir, 'forgejo-token') };
    },
    accounts: () => [{ password: standIn.token() }],
    revoke: () => standIn.rotateToken(),
    renew: write,
    headRef: (number) => `refs/pull/${number}/head`,
    mergeRef: null,
    appHook: () => null,
    push: ({ slug, ref, before, after, by }) => ({
      event: 'push',
      payload: withChanges(readDelivery(FIXTURES, 'push'), {
        ref,
        before,
        after,
        repository: repository(slug),
        sender: { login: by, username: by },
      }),
    }),
    request: ({ slug, request: { number, headSha, headName, headSlug, baseName, author }, action, by }) => ({
      event: 'pull_request',
      payload: withChanges(readDelivery(FIXTURES, 'pull-request-opened'), {
        action: ACTIONS[action],
        number,
        pull_request: {
          number,
          state: action === 'closed' ? 'closed' : 'open',
          user: { login: author, username: author },
          head: {
            ref: headName,
            sha: headSha,
            repo_id: headSlug === slug ? 15 : 77,
            repo: headSlug === null ? null : { id: headSlug === slug ? 15 : 77, full_name: headSlug },
          },
          base: { ref: baseName, repo_id: 15, repo: repository(slug) },
        },
        repository: repository(slug),
        sender: { login: by, username: by },
      }),
    }),
    sign: (body, secret) => hmacHeader('x-forgejo-signature', '', body, secret),
    words: { success: 'success', failure: 'failure', pending: 'pending' },
  };
}
