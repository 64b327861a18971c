import { z } from 'zod';
import type { OpenRequest } from '../../../domain/forge-event.ts';
import type { Forge } from '../../../ports/forge.ts';
import type { ForgeAnswer } from '../forge-http.ts';
import { readPages } from '../pages.ts';
import { readAnswer } from '../read-answer.ts';
import { WireBranch } from '../wire-values.ts';
import { linksOf, repositoryPath } from './addresses.ts';
import type { GitHubApi } from './api.ts';
import { postCheckRun } from './check-runs.ts';
import { postStatus } from './commit-statuses.ts';
import type { Credentials } from './credentials.ts';
import { judgeMerge } from './merge-result.ts';
import { PullRequest, toOpenRequest } from './pull-request.ts';
import { missingRight } from './rights.ts';

const Repository = z.object({
  private: z.boolean(),
  default_branch: WireBranch.nullable().catch(null),
});
/** The base role, whatever a custom role is called; `maintain` counts as `write` there, and `triage` as `read`. */
const Collaborator = z.object({ permission: z.string() });
const MAY_PUSH = new Set(['admin', 'maintain', 'write']);

export function createForge(options: {
  readonly webUrl: string;
  readonly api: GitHubApi;
  readonly credentials: Credentials;
}): Forge {
  const { webUrl, api, credentials } = options;
  const { forge, credentialKind } = api;
  const isApp = credentialKind === 'app';
  const links = linksOf(webUrl);
  return {
    name: forge,
    kind: 'github',
    showsMarkdown: isApp,
    links,
    probe: async (signal) => {
      await api.send({ as: { kind: 'app' }, method: 'GET', path: isApp ? '/app' : '/user', signal });
    },
    repository: async (slug, signal) => {
      const answer = await api.send({
        as: { kind: 'repository', slug },
        method: 'GET',
        path: repositoryPath(slug),
        needs: missingRight(credentialKind, 'repository', slug),
        signal,
      });
      const found = readAnswer(forge, 'a repository', Repository, answer);
      return {
        isPrivate: found.private,
        defaultBranch: found.default_branch,
        webUrl: links.repository(slug),
      };
    },
    openRequests: async (slug, signal) =>
      await readPages(
        api.send,
        {
          as: { kind: 'repository', slug } as const,
          method: 'GET',
          path: `${repositoryPath(slug)}/pulls`,
          // The oldest first: one that is opened while we read is on the last page, and moves none to another.
          query: { state: 'open', sort: 'created', direction: 'asc', per_page: 100 },
          needs: missingRight(credentialKind, 'pulls', slug),
          signal,
        },
        (answer) => readRequests(forge, answer),
      ),
    mayPush: async (slug, login, signal) => {
      // As part of a path these would name something else.
      if (login === '' || login === '.' || login === '..') {
        return false;
      }
      const answer = await api.send({
        as: { kind: 'repository', slug },
        method: 'GET',
        path: `${repositoryPath(slug)}/collaborators/${encodeURIComponent(login)}/permission`,
        answers: [404],
        needs: missingRight(credentialKind, 'repository', slug),
        signal,
      });
      if (answer.status === 404) {
        return false;
      }
      return MAY_PUSH.has(readAnswer(forge, 'a permission', Collaborator, answer).permission);
    },
    mergeResult: async (slug, request, signal) => {
      const answer = await api.send({
        as: { kind: 'repository', slug },
        method: 'GET',
        path: `${repositoryPath(slug)}/pulls/${request.number}`,
        needs: missingRight(credentialKind, 'pulls', slug),
        signal,
      });
      return judgeMerge(forge, request, answer);
    },
    headRef: (number) => `refs/pull/${number}/head`,
    post: async (slug, check, signal) =>
      isApp ? await postCheckRun(api, slug, check, signal) : await postStatus(api, slug, check, signal),
    cloneUrl: (slug) => `${links.repository(slug)}.git`,
    cloneCredential: async (slug, signal) => ({
      username: 'x-access-token',
      password: await credentials.bearer({ kind: 'clone', slug }, signal),
    }),
    refresh: () => {
      credentials.refresh();
    },
  };
}

function readRequests(forge: string, answer: ForgeAnswer): readonly OpenRequest[] {
  // One that cannot be read is trouble and not left out: what is missing from the list counts as closed.
  return readAnswer(forge, 'a list of pull requests', z.array(PullRequest), answer).map(toOpenRequest);
}
