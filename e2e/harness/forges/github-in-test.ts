/** GitHub, once by a token and once by an App. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@argunix/shared/kit/clock';
import { recordedDelivery } from '../../../coordinator/test/forges/github/recorded.ts';
import { type GitHubStandIn, startGitHubStandIn } from '../../../coordinator/test/forges/github/stand-in.ts';
import { APP_ID } from '../../../coordinator/test/forges/github/who-asks.ts';
import { withChanges } from './json.ts';
import {
  type ForgeInTest,
  hmacHeader,
  newUid,
  type Push,
  type RequestNews,
  type Told,
} from './live-forge.ts';

const ACTIONS = { opened: 'opened', pushed: 'synchronize', closed: 'closed' } as const;

function push({ slug, ref, before, after, by }: Push): Told {
  const payload = withChanges(recordedDelivery('push'), {
    ref,
    before,
    after,
    created: /^0+$/.test(before),
    deleted: /^0+$/.test(after),
    repository: { full_name: slug, default_branch: 'main', private: true },
    pusher: { name: by },
    sender: { login: by },
  });
  return { event: 'push', payload };
}

function request({
  slug,
  request: { number, headSha, headName, headSlug, baseName, author, isDraft },
  action,
  by,
}: RequestNews): Told {
  const recorded = recordedDelivery('pull_request', (payload) => payload['action'] === 'opened');
  const repository = { full_name: slug, default_branch: 'main', private: true, id: 1 };
  const payload = withChanges(recorded, {
    action: ACTIONS[action],
    number,
    pull_request: {
      number,
      draft: isDraft,
      state: action === 'closed' ? 'closed' : 'open',
      user: { login: author },
      head: { ref: headName, sha: headSha, repo: { full_name: headSlug, id: headSlug === slug ? 1 : 2 } },
      base: { ref: baseName, repo: repository },
    },
    repository,
    sender: { login: by },
  });
  return { event: 'pull_request', payload };
}

const common = {
  kind: 'github',
  headRef: (number: number) => `refs/pull/${number}/head`,
  mergeRef: (number: number) => `refs/pull/${number}/merge`,
  push,
  request,
  sign: (body: Buffer, secret: string) => hmacHeader('x-hub-signature-256', 'sha256=', body, secret),
} as const;

export function gitHubHeaders(event: string): Readonly<Record<string, string>> {
  return { 'x-github-event': event, 'x-github-delivery': newUid(), 'content-type': 'application/json' };
}

export async function gitHubByToken(): Promise<ForgeInTest> {
  const standIn = await startGitHubStandIn(systemClock);
  let count = 0;
  let token = '';
  const renew = async (dir: string): Promise<void> => {
    count += 1;
    token = `ghp_number${count}`;
    await writeFile(join(dir, 'github-token'), token);
    standIn.keeper.acceptToken(token);
  };
  return {
    ...common,
    standIn,
    settings: async (dir) => {
      await renew(dir);
      return { token_path: join(dir, 'github-token') };
    },
    accounts: () => [{ password: token, username: 'x-access-token' }],
    revoke: () => standIn.keeper.acceptToken('another'),
    renew,
    appHook: () => null,
    words: { success: 'success', failure: 'failure', pending: 'pending' },
  };
}

export async function gitHubByApp(): Promise<ForgeInTest> {
  const standIn = await startGitHubStandIn(systemClock);
  const renew = async (dir: string): Promise<void> => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(join(dir, 'app.pem'), String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
    standIn.keeper.acceptKey(publicKey);
  };
  return {
    ...common,
    standIn,
    settings: async (dir) => {
      await renew(dir);
      return { app_id: APP_ID, app_private_key_path: join(dir, 'app.pem') };
    },
    accounts: () => standIn.keeper.given.map(({ text }) => ({ password: text, username: 'x-access-token' })),
    revoke: () => {
      standIn.keeper.acceptKey(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey);
      standIn.keeper.revokeInstallationTokens();
    },
    renew,
    appHook: () => hookOf(standIn),
    words: { success: 'success', failure: 'failure', pending: 'in_progress' },
  };
}

function hookOf({ app }: GitHubStandIn): { readonly url: string; readonly secret: string } | null {
  const { url, secret } = app.hook;
  return typeof url === 'string' && typeof secret === 'string' ? { url, secret } : null;
}
