/** The hooks of a project: a token that is written and never shown, and a state that no change resets. */
import { z } from 'zod';
import type { ForgeStandIn, StandInHook } from '../forge-subject.ts';
import type { SeenRequest, StandInAnswer } from '../stand-in-server.ts';

const Settings = z.object({
  url: z.string(),
  token: z.string().nullable(),
  push_events: z.boolean(),
  tag_push_events: z.boolean(),
  merge_requests_events: z.boolean(),
  enable_ssl_verification: z.boolean(),
  push_events_branch_filter: z.string(),
  branch_filter_strategy: z.string(),
  custom_webhook_template: z.string(),
});
type Settings = z.infer<typeof Settings>;
/** Only those that are there: JSON has no undefined. */
const Changes = Settings.partial().transform((given): Partial<Settings> => {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
});

interface Hook {
  settings: Settings;
  alertStatus: 'executable' | 'disabled';
  hasSigningToken: boolean;
}

export interface ProjectHooks {
  answer(request: SeenRequest, id: string, url: string): StandInAnswer;
  add(url: string): string;
  shown(): readonly StandInHook[];
  spoil(id: string, how: Parameters<ForgeStandIn['spoilHook']>[2] | 'template' | 'signing-token'): void;
}

const NEW: Settings = {
  url: '',
  token: null,
  push_events: true,
  tag_push_events: false,
  merge_requests_events: false,
  enable_ssl_verification: true,
  push_events_branch_filter: '',
  branch_filter_strategy: 'wildcard',
  custom_webhook_template: '',
};

export function createProjectHooks(): ProjectHooks {
  const hooks = new Map<string, Hook>();
  let lastId = 70;

  function add(settings: Settings): string {
    lastId += 1;
    const id = String(lastId);
    hooks.set(id, { settings, alertStatus: 'executable', hasSigningToken: false });
    return id;
  }
  function show(
    id: string,
    { settings: { token, ...settings }, alertStatus, hasSigningToken }: Hook,
  ): unknown {
    return {
      ...settings,
      id: Number(id),
      project_id: 1,
      alert_status: alertStatus,
      created_at: '2026-01-01T00:00:00.000Z',
      token_present: token !== null,
      signing_token_present: hasSigningToken,
    };
  }
  function list({ query }: SeenRequest, url: string): StandInAnswer {
    const page = Number(query['page'] ?? 1);
    const size = Number(query['per_page'] ?? 20);
    const all = [...hooks];
    const isLast = page * size >= all.length;
    const link = `<${url}?page=${page + 1}&per_page=${size}>; rel="next", <${url}?page=1&per_page=${size}>; rel="first"`;
    return {
      status: 200,
      ...(isLast ? {} : { headers: { link } }),
      body: all.slice((page - 1) * size, page * size).map(([id, hook]) => show(id, hook)),
    };
  }

  return {
    answer(request, id, url) {
      if (request.method === 'GET') {
        return list(request, url);
      }
      const given = Changes.parse(request.body ?? {});
      if (request.method === 'POST') {
        const newId = add({ ...NEW, ...given });
        return { status: 201, body: show(newId, hooks.get(newId) ?? fail(newId)) };
      }
      const hook = hooks.get(id);
      if (hook === undefined) {
        return { status: 404, body: { message: '404 Not found' } };
      }
      if (request.method === 'DELETE') {
        hooks.delete(id);
        return { status: 204 };
      }
      hook.settings = { ...hook.settings, ...given };
      return { status: 200, body: show(id, hook) };
    },
    add: (url) => add({ ...NEW, url, token: 'theirs', tag_push_events: true, merge_requests_events: true }),
    shown: () =>
      [...hooks].map(([id, { settings, alertStatus }]) => ({
        id,
        url: settings.url,
        secret: settings.token,
        isActive: alertStatus === 'executable',
      })),
    spoil(id, how) {
      const hook = hooks.get(id) ?? fail(id);
      hook.alertStatus = how === 'inactive' ? 'disabled' : hook.alertStatus;
      hook.hasSigningToken = how === 'signing-token';
      hook.settings = {
        ...hook.settings,
        push_events: how !== 'events',
        enable_ssl_verification: how !== 'certificates',
        custom_webhook_template: how === 'template' ? '{}' : '',
      };
    },
  };
}

function fail(id: string): never {
  throw new Error(`no hook ${id}`);
}
