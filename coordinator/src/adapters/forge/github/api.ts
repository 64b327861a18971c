/** GitHub's API in somebody's name: a token of an installation that was refused is replaced, once for each request. */
import { isAppError } from '@argunix/shared/kit/app-error';
import type { ForgeAnswer, ForgeHttp, ForgeRequest } from '../forge-http.ts';
import type { Caller, Credentials } from './credentials.ts';
import { headersFor } from './headers.ts';

export interface GitHubRequest extends Omit<ForgeRequest, 'headers'> {
  readonly as: Caller;
}

export interface GitHubApi {
  readonly forge: string;
  /** What people have to tick differs between the two. */
  readonly credentialKind: 'token' | 'app';
  readonly send: (request: GitHubRequest) => Promise<ForgeAnswer>;
}

export function createGitHubApi(options: {
  readonly forge: string;
  readonly credentialKind: 'token' | 'app';
  readonly http: ForgeHttp;
  readonly credentials: Credentials;
}): GitHubApi {
  const { forge, credentialKind, http, credentials } = options;
  return {
    forge,
    credentialKind,
    send: async ({ as, ...request }) => {
      const bearer = await credentials.bearer(as, request.signal);
      try {
        return await http.send({ ...request, headers: headersFor(bearer) });
      } catch (error) {
        const isRefused = isAppError(error) && error.code === 'forge.unauthorized';
        if (!isRefused || !credentials.discard(as, bearer)) {
          throw error;
        }
      }
      const next = await credentials.bearer(as, request.signal);
      return await http.send({ ...request, headers: headersFor(next) });
    },
  };
}
