import { exampleAnswer, part } from './recorded.ts';
import { type Asked, NOT_FOUND, type Route } from './route.ts';

export const APP_ROUTES: Readonly<Record<string, Route>> = {
  'GET /app': ({ app }) => ({
    status: 200,
    body: { ...exampleAnswer('GET /app'), permissions: app.permissions, events: app.events },
  }),
  'PATCH /app/hook/config': (asked) => {
    asked.app.hook = { ...asked.app.hook, ...(asked.request.body as object) };
    return { status: 200, body: { ...asked.app.hook, secret: '********' } };
  },
  'GET /repos/{owner}/{repo}/installation': (asked) => {
    const found = installationOf(asked);
    if (found === undefined) {
      return NOT_FOUND;
    }
    const example = exampleAnswer('GET /repos/{owner}/{repo}/installation');
    const suspended = found.isSuspended ? '2026-01-01T00:00:00Z' : null;
    return { status: 200, body: { ...example, id: found.id, suspended_at: suspended } };
  },
  'POST /app/installations/{installation_id}/access_tokens': ({ app, keeper, parameters, request }) => {
    const id = Number(parameters['installation_id']);
    const found = [...app.installations.values()].find((installation) => installation.id === id);
    if (found === undefined) {
      return NOT_FOUND;
    }
    if (found.isSuspended) {
      return { status: 403, body: { message: 'This installation has been suspended' } };
    }
    const token = keeper.giveToken(id, request.body);
    return {
      status: 201,
      body: {
        token: token.text,
        expires_at: new Date(token.expiresAt).toISOString().replace(/\.\d+Z$/, 'Z'),
        permissions: part(exampleAnswer('GET /app'), 'permissions'),
        repository_selection: 'selected',
      },
    };
  },
};

function installationOf({ app, parameters }: Asked): ReturnType<Asked['app']['installations']['get']> {
  return app.installations.get((parameters['owner'] ?? '').toLowerCase());
}
