/** Gitea and Forgejo, Codeberg and own servers alike, by their API version 1 and an access token. */
import type { Clock } from '@argunix/shared/kit/clock';
import type { Secret } from '@argunix/shared/kit/secret';
import { z } from 'zod';
import type { CheckState, Forge } from '../../../ports/forge.ts';
import type { ForgeHooks } from '../../../ports/forge-hooks.ts';
import { cleanText } from '../clean-text.ts';
import { encodePath } from '../encode-path.ts';
import { createForgeHttp, type ForgeHttpOptions } from '../forge-http.ts';
import { keepToken } from '../kept-token.ts';
import { readAnswer } from '../read-answer.ts';
import { WireBranch, WireNumber } from '../wire-values.ts';
import { createGiteaLinks } from './gitea-links.ts';
import { listPullRequests } from './pull-requests.ts';
import { createRepositoryHooks } from './repository-hooks.ts';
import { isPrivateRepository, Visibility } from './repository-visibility.ts';

export interface GiteaOptions {
  /** As it is called in the configuration. */
  readonly name: string;
  /** Without a closing slash; it may have a path of its own. */
  readonly webUrl: string;
  readonly readToken: () => Promise<Secret>;
  readonly clock: Clock;
  readonly timeoutMs?: number;
  readonly retryMs?: number;
  readonly onAnswer?: NonNullable<ForgeHttpOptions['onAnswer']>;
}

export interface Gitea {
  readonly forge: Forge;
  readonly hooks: ForgeHooks;
  close(): Promise<void>;
}

/** There is `warning` too, but a rule that wants a status to be there could take it for good. */
const STATES: Readonly<Record<CheckState, string>> = {
  pending: 'pending',
  success: 'success',
  failure: 'failure',
  error: 'error',
  cancelled: 'error',
  action_required: 'pending',
};

const Repository = Visibility.extend({
  default_branch: WireBranch.nullable().catch(null),
  html_url: z.string(),
});
const Permission = z.object({ permission: z.string() });
const MAY_PUSH = new Set(['write', 'admin', 'owner']);

export function createGiteaForge(options: GiteaOptions): Gitea {
  const { name, webUrl, readToken, ...rest } = options;
  const token = keepToken(name, readToken);
  const http = createForgeHttp({
    ...rest,
    forge: name,
    apiUrl: `${webUrl}/api/v1`,
    authorize: async () => ({ authorization: `token ${(await token.get()).reveal()}` }),
  });

  const forge: Forge = {
    name,
    kind: 'forgejo',
    showsMarkdown: false,
    links: createGiteaLinks(webUrl),
    async probe(signal) {
      const needs = 'the token needs the scope read:user';
      const answer = await http.send({ method: 'GET', path: '/user', needs, signal });
      readAnswer(name, 'a user', z.object({ id: WireNumber }), answer);
    },
    async repository(slug, signal) {
      const needs = 'the token needs the scope read:repository, and the repository to be visible to its user';
      const answer = await http.send({ method: 'GET', path: `/repos/${encodePath(slug)}`, needs, signal });
      const repository = readAnswer(name, 'a repository', Repository, answer);
      return {
        isPrivate: isPrivateRepository(repository) ?? true,
        defaultBranch: repository.default_branch,
        webUrl: repository.html_url,
      };
    },
    openRequests: async (slug, signal) => await listPullRequests({ name, http }, slug, signal),
    async mayPush(slug, login, signal) {
      if (['', '.', '..'].includes(login)) {
        // As a part of a path these would ask for something else.
        return false;
      }
      const answer = await http.send({
        method: 'GET',
        path: `/repos/${encodePath(slug)}/collaborators/${encodeURIComponent(login)}/permission`,
        answers: [404],
        needs:
          'the token needs the scope read:repository, and its user to be an administrator of the repository',
        signal,
      });
      return (
        answer.status !== 404 && MAY_PUSH.has(readAnswer(name, 'a permission', Permission, answer).permission)
      );
    },
    mergeResult: () =>
      Promise.resolve({ kind: 'none', reason: 'this forge makes no merge commit before it merges' }),
    headRef: (number) => `refs/pull/${number}/head`,
    async post(slug, { sha, state, context, description, url }, signal) {
      await http.send({
        method: 'POST',
        path: `/repos/${encodePath(slug)}/statuses/${sha}`,
        body: {
          state: STATES[state],
          context: cleanText(context),
          description: cleanText(description),
          target_url: url,
        },
        needs:
          'the token needs the scope write:repository, and its user to have write access to the repository',
        signal,
      });
      return null;
    },
    cloneUrl: (slug) => `${webUrl}/${encodePath(slug)}.git`,
    async cloneCredential() {
      // Any name is taken with a token as the password.
      return { username: 'argunix', password: await token.get() };
    },
    refresh() {
      token.forget();
    },
  };
  const hooks = createRepositoryHooks({ name, http });
  return { forge, hooks, close: async () => await http.close() };
}
