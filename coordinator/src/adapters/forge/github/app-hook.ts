/** The hook of the App itself. Its address and secret are set by API; what it may do and is sent, only by a person. */
import { AppError } from '@argunix/shared/kit/app-error';
import { z } from 'zod';
import type { AppHook } from '../../../ports/forge-hooks.ts';
import { readAnswer } from '../read-answer.ts';
import type { GitHubApi } from './api.ts';
import type { InstallationCredentials } from './installations.ts';

const App = z.object({
  html_url: z.string().catch(''),
  permissions: z.record(z.string(), z.unknown()),
  events: z.array(z.string()),
});

/** GitHub's word, what its page calls it, and the levels that are enough. */
const PERMISSIONS: readonly (readonly [name: string, shown: string, levels: readonly string[]])[] = [
  ['checks', 'Checks: read and write', ['write']],
  ['contents', 'Contents: read', ['read', 'write']],
  ['metadata', 'Metadata: read', ['read']],
  ['pull_requests', 'Pull requests: read', ['read', 'write']],
];
/**
 * What a person has to tick. With write access to checks an App is sent `check_run` and `check_suite` unasked, and every
 * App `installation` and `installation_repositories`; none of these has to be in the list.
 */
const EVENTS: readonly (readonly [name: string, shown: string])[] = [
  ['push', 'the event Push'],
  ['pull_request', 'the event Pull request'],
];

export function createAppHook(api: GitHubApi, installations: InstallationCredentials): AppHook {
  return {
    configure: async ({ url, secret }, signal) => {
      const asApp = { as: { kind: 'app' }, signal } as const;
      const config = { url, content_type: 'json', secret: secret.reveal(), insecure_ssl: '0' };
      await api.send({
        ...asApp,
        method: 'PATCH',
        path: '/app/hook/config',
        body: config,
        needs: 'the webhook of the App is not switched on ("Active" on its page of settings)',
      });
      const answer = await api.send({ ...asApp, method: 'GET', path: '/app' });
      judgeApp(api.forge, readAnswer(api.forge, 'the App', App, answer));
    },
    refreshInstallations: installations.refreshInstallations,
  };
}

function judgeApp(forge: string, { permissions, events, html_url: page }: z.infer<typeof App>): void {
  const missing = [
    ...PERMISSIONS.filter(([name, , levels]) => !levels.includes(String(permissions[name]))),
    ...EVENTS.filter(([name]) => !events.includes(name)),
  ];
  if (missing.length > 0) {
    const shown = missing.map(([, name]) => `"${name}"`).join(', ');
    throw new AppError(
      'forge.forbidden',
      `${forge}: the App ${page} lacks ${shown}. A person has to give that in its settings, under Permissions & events, and accept it for each installation.`,
      { forge, missing: missing.map(([name]) => name) },
    );
  }
}
