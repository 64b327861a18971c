/**
 * The hooks of a repository. A change of a hook does not reach its secret on every version, and the secret cannot be
 * read, so a hook is replaced by a new one. The old one goes after that: no delivery is lost between them.
 */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { z } from 'zod';
import type { ForgeHooks, FoundHook, WantedHook } from '../../../ports/forge-hooks.ts';
import { encodePath } from '../encode-path.ts';
import type { ForgeAnswer, ForgeHttp, ForgeRequest } from '../forge-http.ts';
import { readPages } from '../pages.ts';
import { readAnswer } from '../read-answer.ts';
import { WireNumber } from '../wire-values.ts';
import { GITEA_KINDS, type GiteaKind } from './gitea-kind.ts';

const NEEDS =
  'the token needs the scope write:repository, and its user to be an administrator of the repository';

/** As they are asked for. `pull_request` would bring labels, comments and reviews too. */
const WANTED_EVENTS = ['push', 'delete', 'pull_request_only', 'pull_request_sync'];
/** As they are listed: `pull_request_only` comes back as `pull_request`. */
const NEEDED_EVENTS = ['push', 'delete', 'pull_request', 'pull_request_sync'];

const Hook = z.object({
  id: WireNumber,
  type: z.string(),
  active: z.boolean(),
  events: z.array(z.string()).nullable(),
  config: z.object({ url: z.string().catch(''), content_type: z.string().catch('') }),
  branch_filter: z.string().nullish(),
});
type Hook = z.infer<typeof Hook>;

export interface RepositoryHooksOptions {
  readonly name: string;
  readonly http: ForgeHttp;
  readonly findKind: (signal: AbortSignal) => Promise<GiteaKind>;
}

export function createRepositoryHooks({ name, http, findKind }: RepositoryHooksOptions): ForgeHooks {
  async function send(request: Omit<ForgeRequest, 'needs'>): Promise<ForgeAnswer> {
    return await http.send({ ...request, needs: NEEDS });
  }
  async function create(slug: RepositorySlug, wanted: WantedHook, signal: AbortSignal): Promise<string> {
    const body = toBody(wanted, await findKind(signal));
    const answer = await send({ method: 'POST', path: hooksPath(slug), body, signal });
    return String(readAnswer(name, 'a hook', z.object({ id: WireNumber }), answer).id);
  }
  async function remove(slug: RepositorySlug, id: string, signal: AbortSignal): Promise<void> {
    const path = `${hooksPath(slug)}/${encodeURIComponent(id)}`;
    await send({ method: 'DELETE', path, answers: [404], signal });
  }

  return {
    list: async (slug, signal) =>
      await readPages(
        send,
        { method: 'GET', path: hooksPath(slug), query: { limit: 50 }, signal },
        (answer) => readAnswer(name, 'a list of hooks', z.array(Hook), answer).map(toFound),
      ),
    create,
    async replace(slug, id, wanted, signal) {
      const newId = await create(slug, wanted, signal);
      await remove(slug, id, signal);
      return newId;
    },
    remove,
  };
}

function hooksPath(slug: RepositorySlug): string {
  return `/repos/${encodePath(slug)}/hooks`;
}

function toBody({ url, secret }: WantedHook, type: GiteaKind): Readonly<Record<string, unknown>> {
  return {
    type,
    active: true,
    events: WANTED_EVENTS,
    config: { url, content_type: 'json', secret: secret.reveal() },
  };
}

/** Whether certificates are checked is a setting of the whole server, which nobody but its owner sees. */
function toFound({ id, type, active, events, config, branch_filter: filter }: Hook): FoundHook {
  const missing = NEEDED_EVENTS.filter((event) => events?.includes(event) !== true);
  const differences = [
    ...(active ? [] : ['it is not active']),
    ...missing.map((event) => `it does not send ${event}`),
    ...(config.content_type === 'json' ? [] : ['it does not send JSON']),
    ...(GITEA_KINDS.some((kind) => kind === type) ? [] : ['it is of a type for another program']),
    ...(['', '*', '**'].includes(filter ?? '') ? [] : ['it sends some branches only']),
  ];
  return { id: String(id), url: config.url, isComplete: differences.length === 0, differences };
}
