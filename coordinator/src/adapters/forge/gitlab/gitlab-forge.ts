/** GitLab, gitlab.com and own servers alike, by its API version 4 and an access token. */
import type { Clock } from '@argunix/shared/kit/clock';
import type { Secret } from '@argunix/shared/kit/secret';
import { z } from 'zod';
import type { Forge } from '../../../ports/forge.ts';
import type { ForgeHooks } from '../../../ports/forge-hooks.ts';
import { encodePath } from '../encode-path.ts';
import { createForgeHttp, type ForgeHttpOptions } from '../forge-http.ts';
import { keepToken } from '../kept-token.ts';
import { readAnswer } from '../read-answer.ts';
import { WireBranch, WireNumber } from '../wire-values.ts';
import { postStatus } from './commit-status.ts';
import { type GitLabApi, projectPath } from './gitlab-api.ts';
import { createGitLabLinks } from './gitlab-links.ts';
import { findMergeResult, listOpenRequests } from './merge-requests.ts';
import { createProjectHooks } from './project-hooks.ts';
import { mayPushTo } from './project-members.ts';

export interface GitLabOptions {
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

export interface GitLab {
  readonly forge: Forge;
  readonly hooks: ForgeHooks;
  close(): Promise<void>;
}

/** `internal` is for everybody who has an account: for us that is private, since we cannot see who reads. */
const Project = z.object({
  visibility: z.string().catch('private'),
  default_branch: WireBranch.nullish().catch(null),
  web_url: z.string(),
});

export function createGitLabForge(options: GitLabOptions): GitLab {
  const { name, webUrl, readToken, ...rest } = options;
  const token = keepToken(name, readToken);
  const http = createForgeHttp({
    ...rest,
    forge: name,
    apiUrl: `${webUrl}/api/v4`,
    authorize: async () => ({ 'private-token': (await token.get()).reveal() }),
  });
  const api: GitLabApi = { name, http };
  const forge: Forge = {
    name,
    kind: 'gitlab',
    showsMarkdown: false,
    links: createGitLabLinks(webUrl),
    async probe(signal) {
      const needs = 'the token needs the scope api';
      const answer = await http.send({ method: 'GET', path: '/user', needs, signal });
      readAnswer(name, 'a user', z.object({ id: WireNumber }), answer);
    },
    async repository(slug, signal) {
      const needs = 'the token needs the scope api, and its user a role in the project';
      const answer = await http.send({ method: 'GET', path: projectPath(slug), needs, signal });
      const project = readAnswer(name, 'a project', Project, answer);
      return {
        isPrivate: project.visibility !== 'public',
        defaultBranch: project.default_branch ?? null,
        webUrl: project.web_url,
      };
    },
    openRequests: async (slug, signal) => await listOpenRequests(api, slug, signal),
    mayPush: async (slug, login, signal) => await mayPushTo(api, slug, login, signal),
    mergeResult: async (slug, request, signal) => await findMergeResult(api, slug, request, signal),
    headRef: (number) => `refs/merge-requests/${number}/head`,
    post: async (slug, check, signal) => await postStatus(api, slug, check, signal),
    cloneUrl: (slug) => `${webUrl}/${encodePath(slug)}.git`,
    async cloneCredential() {
      // Any name is taken with a personal token; this one is what GitLab documents.
      return { username: 'oauth2', password: await token.get() };
    },
    refresh() {
      token.forget();
    },
  };
  return {
    forge,
    hooks: createProjectHooks(api),
    close: async () => await http.close(),
  };
}
