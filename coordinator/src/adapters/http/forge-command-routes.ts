/** Forges, and the hooks that are kept at them: seen and steered by the operator. Added to the control socket alone. */
import { ForgeChange, ForgeView, HookChange, HookView } from '@argunix/shared/control-api/forge-views';
import { ForgeParams, HookBody, NoQuery } from '@argunix/shared/control-api/requests';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AdministeredHook, HookAdministration, HookName } from '../../flows/administer-hooks.ts';
import { hookState } from '../../flows/hook-state.ts';
import type { ForgeAdministration, ForgeState } from '../../ports/forge-administration.ts';
import { REFUSALS } from './api-routes.ts';
import { CHANGES, judged } from './command-routes.ts';
import { API_PREFIX } from './openapi.ts';
import { toTime, toTimeOrNull } from './visible-steps.ts';

export interface ForgeCommands {
  readonly forges: ForgeAdministration;
  readonly hooks: HookAdministration;
}

const FORGES = `${API_PREFIX}/forges`;
const HOOKS = `${API_PREFIX}/hooks`;
const tags = ['change'];

export function addForgeCommandRoutes(plain: FastifyInstance, { forges, hooks }: ForgeCommands): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  app.get(
    FORGES,
    {
      schema: {
        tags: ['read'],
        summary: 'Forges: whether they take our credential, and what they are still to be told',
        querystring: NoQuery,
        response: { 200: z.array(ForgeView), ...REFUSALS },
      },
    },
    () => forges.all().map(toForgeView),
  );

  app.post(
    `${FORGES}/:name/resume`,
    {
      schema: {
        tags,
        summary: 'Try the credential of a forge now',
        params: ForgeParams,
        response: { 200: ForgeChange, ...CHANGES },
      },
    },
    async (request) => {
      const { name } = request.params;
      const { message } = judged(await forges.resume(name));
      const forge = forges.all().find((one) => one.name === name);
      return { message, forge: forge === undefined ? null : toForgeView(forge) };
    },
  );

  app.get(
    HOOKS,
    {
      schema: {
        tags: ['read'],
        summary: 'Hooks at forges, as far as we know: no forge is asked',
        querystring: NoQuery,
        response: { 200: z.array(HookView), ...REFUSALS },
      },
    },
    () => hooks.all().map(toHookView),
  );

  const verbs = [
    ['check', 'Ask the forge whether a hook is as wanted'],
    ['repair', 'Install a hook anew'],
    ['rotate', 'Give a hook another secret and install it'],
  ] as const;
  for (const [verb, summary] of verbs) {
    app.post(
      `${HOOKS}/${verb}`,
      { schema: { tags, summary, body: HookBody, response: { 200: HookChange, ...CHANGES } } },
      async (request) => {
        const done = judged(await hooks[verb](toName(request.body)));
        return { message: done.message, hook: toHookView(done) };
      },
    );
  }
}

function toName(body: HookBody): HookName {
  return 'repo' in body ? body.repo : { forge: body.forge, slug: null };
}

function toHookView({ hook, slug }: Omit<AdministeredHook, 'message'>): HookView {
  const { state, trouble, checkedAt, deliveredAt } = hookState(hook);
  return {
    forge: hook.forge,
    repo: slug === null ? null : { forge: hook.forge, slug },
    state,
    trouble,
    checked_at: toTimeOrNull(checkedAt),
    delivered_at: toTimeOrNull(deliveredAt),
    url: hook.url,
  };
}

function toForgeView({ name, kind, webUrl, pause, ...state }: ForgeState): ForgeView {
  const working = kind === 'git' ? 'polled' : 'works';
  return {
    name,
    kind,
    web_url: webUrl,
    state: pause === null ? working : 'paused',
    paused:
      pause === null
        ? null
        : { since: toTime(pause.since), reason: pause.reason, next_probe_at: toTime(pause.nextProbeAt) },
    checks: { waiting: state.checksWaiting, oldest_since: toTimeOrNull(state.oldestCheckAt) },
    requests: { ...state.requests },
  };
}
