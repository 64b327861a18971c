import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { z } from 'zod';
import type { ForgeHooks, FoundHook, WantedHook } from '../../../ports/forge-hooks.ts';
import { readPages } from '../pages.ts';
import { readAnswer } from '../read-answer.ts';
import { WireNumber } from '../wire-values.ts';
import { repositoryPath } from './addresses.ts';
import type { GitHubApi, GitHubRequest } from './api.ts';
import { missingRight } from './rights.ts';

const EVENTS = ['push', 'pull_request'];

const Hook = z.object({
  id: WireNumber,
  active: z.boolean(),
  events: z.array(z.string()),
  config: z.object({
    // The services of old were hooks without one.
    url: z.string().catch(''),
    content_type: z.string().optional().catch(undefined),
    insecure_ssl: z.union([z.string(), z.number()]).optional().catch(undefined),
  }),
});
type Hook = z.infer<typeof Hook>;

export function createGitHubHooks(api: GitHubApi): ForgeHooks {
  function about(slug: RepositorySlug, signal: AbortSignal): Omit<GitHubRequest, 'method'> {
    return {
      as: { kind: 'repository', slug },
      path: `${repositoryPath(slug)}/hooks`,
      needs: missingRight(api.credentialKind, 'hooks', slug),
      signal,
    };
  }

  async function create(slug: RepositorySlug, wanted: WantedHook, signal: AbortSignal): Promise<string> {
    const body = { name: 'web', ...bodyOf(wanted) };
    const answer = await api.send({ ...about(slug, signal), method: 'POST', body });
    return String(readAnswer(api.forge, 'a hook', Hook, answer).id);
  }

  return {
    list: async (slug, signal) =>
      await readPages(
        api.send,
        { ...about(slug, signal), method: 'GET', query: { per_page: 100 } },
        (answer) => readAnswer(api.forge, 'a list of hooks', z.array(Hook), answer).map(toFoundHook),
      ),
    create,
    replace: async (slug, id, wanted, signal) => {
      const request = about(slug, signal);
      const answer = await api.send({
        ...request,
        method: 'PATCH',
        path: `${request.path}/${encodeURIComponent(id)}`,
        body: bodyOf(wanted),
        answers: [404],
      });
      return answer.status === 404 ? await create(slug, wanted, signal) : id;
    },
    remove: async (slug, id, signal) => {
      const request = about(slug, signal);
      const path = `${request.path}/${encodeURIComponent(id)}`;
      await api.send({ ...request, method: 'DELETE', path, answers: [404] });
    },
  };
}

function bodyOf({ url, secret }: WantedHook): object {
  const config = { url, content_type: 'json', secret: secret.reveal(), insecure_ssl: '0' };
  return { active: true, events: EVENTS, config };
}

function toFoundHook(hook: Hook): FoundHook {
  const differences = [...differencesOf(hook)];
  return { id: String(hook.id), url: hook.config.url, isComplete: differences.length === 0, differences };
}

function* differencesOf({ active, events, config }: Hook): Generator<string> {
  if (!active) {
    yield 'it is switched off';
  }
  for (const event of EVENTS) {
    if (!events.includes(event) && !events.includes('*')) {
      yield `it does not send ${event}`;
    }
  }
  if (config.content_type !== 'json') {
    yield 'it does not send JSON';
  }
  if (String(config.insecure_ssl ?? '0') !== '0') {
    yield 'it does not check certificates';
  }
}
