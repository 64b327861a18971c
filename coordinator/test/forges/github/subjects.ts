/** GitHub's adapter in front of its stand-in, once with a token and once as an App. */
import { generateKeyPairSync } from 'node:crypto';
import { Secret } from '@argunix/shared/kit/secret';
import { createGitHubForge, type GitHubForge } from '../../../src/adapters/forge/github/create-github.ts';
import type { ForgeContract, ForgeSubject, OpenOptions } from '../forge-subject.ts';
import { type GitHubStandIn, startGitHubStandIn } from './stand-in.ts';
import { APP_ID } from './who-asks.ts';

// Two keys for all tests: making one takes longer than a test.
const KEYS = [newKey('pkcs1'), newKey('pkcs8')] as const;

function newKey(type: 'pkcs1' | 'pkcs8'): {
  readonly pem: string;
  readonly publicKey: ReturnType<typeof generateKeyPairSync>['publicKey'];
} {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { pem: String(privateKey.export({ type, format: 'pem' })), publicKey };
}

export interface GitHubSubject extends ForgeSubject {
  readonly github: GitHubForge;
  readonly standIn: GitHubStandIn;
}

export async function openWithToken(options: OpenOptions): Promise<GitHubSubject> {
  const standIn = await startGitHubStandIn(options.clock);
  let token = 'ghp_firstFirstFirst';
  standIn.keeper.acceptToken(token);
  const github = createGitHubForge({
    ...options,
    name: 'here',
    webUrl: standIn.server.url,
    credential: { kind: 'token', read: async () => await Promise.resolve(new Secret(token)) },
  });
  return {
    ...github,
    github,
    standIn,
    rotateCredential: () => {
      token = 'ghp_secondSecondSecond';
      standIn.keeper.acceptToken(token);
    },
    secrets: () => [token],
  };
}

export async function openAsApp(options: OpenOptions): Promise<GitHubSubject> {
  const standIn = await startGitHubStandIn(options.clock);
  let [key]: readonly [(typeof KEYS)[number], ...unknown[]] = KEYS;
  standIn.keeper.acceptKey(key.publicKey);
  const github = createGitHubForge({
    ...options,
    name: 'here',
    webUrl: standIn.server.url,
    credential: {
      kind: 'app',
      appId: APP_ID,
      readKey: async () => await Promise.resolve(new Secret(key.pem)),
    },
  });
  return {
    ...github,
    github,
    standIn,
    rotateCredential: () => {
      [, key] = KEYS;
      standIn.keeper.acceptKey(key.publicKey);
    },
    secrets: () => [
      key.pem.split('\n')[1] ?? key.pem,
      ...standIn.keeper.given.map(({ text }) => text),
      // The head of every signed claim.
      'eyJhbGciOiJSUzI1NiI',
    ],
  };
}

const PLACES = {
  headRef: (number: number) => `refs/pull/${number}/head`,
  mergeRef: (number: number) => `refs/pull/${number}/merge`,
  links: (slug: string, sha: string) => ({
    repository: `/${slug}`,
    commit: `/${slug}/commit/${sha}`,
    branch: `/${slug}/tree/a/b`,
    tag: `/${slug}/releases/tag/a/b`,
    request: `/${slug}/pull/7`,
  }),
};

export const WITH_TOKEN: ForgeContract = {
  name: 'GitHub with a token',
  open: openWithToken,
  states: {
    pending: 'pending',
    success: 'success',
    failure: 'failure',
    error: 'error',
    cancelled: 'error',
    action_required: 'pending',
  },
  ...PLACES,
};

export const AS_APP: ForgeContract = {
  name: 'GitHub as an App',
  open: openAsApp,
  states: {
    pending: 'in_progress',
    success: 'success',
    failure: 'failure',
    error: 'failure',
    cancelled: 'cancelled',
    action_required: 'action_required',
  },
  ...PLACES,
};
