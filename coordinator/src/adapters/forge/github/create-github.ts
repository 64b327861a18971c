/** A forge of kind `github`: github.com or an Enterprise Server, with a token or as an App. */
import type { Clock } from '@argunix/shared/kit/clock';
import type { Secret } from '@argunix/shared/kit/secret';
import type { Forge } from '../../../ports/forge.ts';
import type { AppHook, ForgeHooks } from '../../../ports/forge-hooks.ts';
import { createForgeHttp, type ForgeHttp } from '../forge-http.ts';
import { apiUrlOf } from './addresses.ts';
import { createGitHubApi } from './api.ts';
import { createAppHook } from './app-hook.ts';
import { createAppJwt } from './app-jwt.ts';
import { type Credentials, createTokenCredentials } from './credentials.ts';
import { createForge } from './forge.ts';
import { createGitHubHooks } from './hooks.ts';
import { createInstallationCredentials } from './installations.ts';

export type GitHubCredential =
  | { readonly kind: 'token'; readonly read: () => Promise<Secret> }
  | { readonly kind: 'app'; readonly appId: number; readonly readKey: () => Promise<Secret> };

export interface GitHubOptions {
  readonly name: string;
  readonly webUrl: string;
  readonly credential: GitHubCredential;
  readonly clock: Clock;
  readonly timeoutMs?: number;
  readonly retryMs?: number;
  readonly onAnswer?: (outcome: number | 'unreachable') => void;
}

export interface GitHubForge {
  readonly forge: Forge;
  readonly hooks: ForgeHooks;
  /** Null for a token. */
  readonly appHook: AppHook | null;
  readonly close: () => Promise<void>;
}

export function createGitHubForge({ name, credential, clock, ...options }: GitHubOptions): GitHubForge {
  const webUrl = options.webUrl.replace(/\/+$/, '');
  const http = createForgeHttp({
    ...options,
    forge: name,
    apiUrl: apiUrlOf(webUrl),
    clock,
    // Each request says in whose name it is made; see api.ts.
    authorize: async () => await Promise.resolve({}),
  });
  const { credentials, appHook, close } = whoWeAre(name, credential, http, clock);
  const api = createGitHubApi({ forge: name, credentialKind: credential.kind, http, credentials });
  return {
    forge: createForge({ webUrl, api, credentials }),
    hooks: createGitHubHooks(api),
    appHook: appHook(api),
    close: async () => {
      close();
      await http.close();
    },
  };
}

interface Identity {
  readonly credentials: Credentials;
  readonly appHook: (api: ReturnType<typeof createGitHubApi>) => AppHook | null;
  readonly close: () => void;
}

function whoWeAre(forge: string, credential: GitHubCredential, http: ForgeHttp, clock: Clock): Identity {
  if (credential.kind === 'token') {
    return {
      credentials: createTokenCredentials(forge, credential.read),
      appHook: () => null,
      close: () => undefined,
    };
  }
  const jwt = createAppJwt({ forge, appId: credential.appId, readKey: credential.readKey, clock });
  const credentials = createInstallationCredentials({ forge, jwt, http, clock });
  return { credentials, appHook: (api) => createAppHook(api, credentials), close: credentials.close };
}
