/** The hooks of a repository. A secret is written and never shown, and a change does not reach it. */
import { z } from 'zod';
import type { ForgeStandIn, StandInHook } from '../forge-subject.ts';
import type { SeenRequest, StandInAnswer } from '../stand-in-server.ts';

/** Which of both the stand-in is. */
export type GiteaKind = 'gitea' | 'forgejo';

const Wanted = z.object({
  type: z.string(),
  active: z.boolean().default(false),
  events: z.array(z.string()).default(['push']),
  branch_filter: z.string().default(''),
  config: z.record(z.string(), z.string()),
});
type Hook = z.infer<typeof Wanted>;

export interface RepositoryHooks {
  answer(request: SeenRequest, id: string, url: string): StandInAnswer;
  add(url: string): string;
  shown(): readonly (StandInHook & { readonly type: string })[];
  spoil(id: string, how: Parameters<ForgeStandIn['spoilHook']>[2] | 'form' | 'filter'): void;
}

const LARGEST_PAGE = 50;
const ALL_OF_PULL_REQUESTS = [
  'pull_request',
  'pull_request_assign',
  'pull_request_label',
  'pull_request_sync',
];

export function createRepositoryHooks(kind: GiteaKind): RepositoryHooks {
  const types = kind === 'forgejo' ? ['forgejo', 'gitea', 'gogs', 'slack'] : ['gitea', 'gogs', 'slack'];
  const hooks = new Map<string, Hook>();
  let lastId = 20;

  function add(hook: Hook): string {
    lastId += 1;
    hooks.set(String(lastId), hook);
    return String(lastId);
  }
  function create(body: unknown): StandInAnswer {
    const wanted = Wanted.parse(body);
    if (!types.includes(wanted.type)) {
      return { status: 422, body: { message: `Invalid hook type: ${wanted.type}` } };
    }
    const missing = ['url', 'content_type'].find((name) => wanted.config[name] === undefined);
    if (missing !== undefined) {
      return { status: 422, body: { message: `Missing config option: ${missing}` } };
    }
    const id = add({ ...wanted, events: wanted.events.flatMap(toListed) });
    return { status: 201, body: show(id, hooks.get(id) ?? fail(id)) };
  }
  function list({ query }: SeenRequest, url: string): StandInAnswer {
    const page = Number(query['page'] ?? 1);
    const size = Math.min(Number(query['limit'] ?? 30), LARGEST_PAGE);
    const link = `<${url}?limit=${size}&page=${page + 1}>; rel="next"`;
    return {
      status: 200,
      ...(page * size >= hooks.size ? {} : { headers: { link } }),
      body: [...hooks].slice((page - 1) * size, page * size).map(([id, hook]) => show(id, hook)),
    };
  }

  return {
    answer(request, id, url) {
      if (request.method === 'POST') {
        return create(request.body);
      }
      if (request.method === 'DELETE') {
        return hooks.delete(id) ? { status: 204 } : { status: 404, body: { message: 'hook does not exist' } };
      }
      return list(request, url);
    },
    add: (url) =>
      add({
        type: 'gitea',
        active: true,
        events: ['push', 'delete', ...ALL_OF_PULL_REQUESTS],
        branch_filter: '',
        config: { url, content_type: 'json', secret: 'theirs' },
      }),
    shown: () =>
      [...hooks].map(([id, { type, active, config }]) => ({
        id,
        type,
        url: config['url'] ?? '',
        secret: config['secret'] ?? null,
        isActive: active,
      })),
    spoil(id, how) {
      const hook = hooks.get(id) ?? fail(id);
      hooks.set(id, {
        ...hook,
        active: how !== 'inactive',
        events: how === 'events' ? ['push'] : hook.events,
        branch_filter: how === 'filter' ? 'release/*' : '',
        config: { ...hook.config, content_type: how === 'form' ? 'form' : 'json' },
      });
    },
  };
}

/** `pull_request` stands for all that has to do with them, `pull_request_only` for what that alone says when listed. */
function toListed(event: string): readonly string[] {
  if (event === 'pull_request') {
    return ALL_OF_PULL_REQUESTS;
  }
  return [event === 'pull_request_only' ? 'pull_request' : event];
}

function show(id: string, { config, ...hook }: Hook): unknown {
  const shown = Object.entries(config).filter(([name]) => name !== 'secret');
  return { ...hook, id: Number(id), config: Object.fromEntries(shown) };
}

function fail(id: string): never {
  throw new Error(`no hook ${id}`);
}
