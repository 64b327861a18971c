import { z } from 'zod';
import type { StandInAnswer } from '../stand-in-server.ts';
import { hookBody } from './bodies.ts';
import { type Asked, NOT_FOUND, pageOf, type Route } from './route.ts';
import { type KeptHook, takeId } from './state.ts';

const Wanted = z.object({
  active: z.boolean().default(true),
  events: z.array(z.string()).default(['push']),
  config: z.record(z.string(), z.unknown()).default({}),
});

export const HOOK_ROUTES: Readonly<Record<string, Route>> = {
  'GET /repos/{owner}/{repo}/hooks': (asked) => pageOf(asked, [...asked.repository.hooks.values()], hookBody),
  'POST /repos/{owner}/{repo}/hooks': ({ repository, state, request }) => {
    const wanted = Wanted.parse(request.body);
    const isThere = [...repository.hooks.values()].some(
      ({ config }) => config['url'] === wanted.config['url'],
    );
    if (isThere) {
      const errors = [
        { resource: 'Hook', code: 'custom', message: 'Hook already exists on this repository' },
      ];
      return { status: 422, body: { message: 'Validation Failed', errors } };
    }
    const hook = { id: takeId(state), ...wanted };
    repository.hooks.set(hook.id, hook);
    return { status: 201, body: hookBody(hook) };
  },
  'PATCH /repos/{owner}/{repo}/hooks/{hook_id}': (asked) =>
    withHook(asked, (hook) => {
      const changes = Wanted.partial().parse(asked.request.body);
      hook.active = changes.active ?? hook.active;
      hook.events = changes.events ?? hook.events;
      // GitHub replaces the whole of it: a secret that is not sent again is gone.
      hook.config = changes.config ?? hook.config;
      return { status: 200, body: hookBody(hook) };
    }),
  'DELETE /repos/{owner}/{repo}/hooks/{hook_id}': (asked) =>
    withHook(asked, ({ id }) => {
      asked.repository.hooks.delete(id);
      return { status: 204 };
    }),
};

function withHook(
  { repository, parameters }: Asked,
  answer: (hook: KeptHook) => StandInAnswer,
): StandInAnswer {
  const hook = repository.hooks.get(Number(parameters['hook_id']));
  return hook === undefined ? NOT_FOUND : answer(hook);
}
