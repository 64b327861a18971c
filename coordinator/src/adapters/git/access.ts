/** How git may reach one repository: over which transport, as whom. What a revision names is reached as nobody. */
import { AppError } from '@argunix/shared/kit/app-error';
import type { RepositoryUrl, Transport } from './repository-url.ts';

export interface Access {
  readonly url: RepositoryUrl;
  readonly transports: readonly Transport[];
  readonly env: Readonly<Record<string, string>>;
  /** Must not show in anything that is said. */
  readonly secrets: readonly string[];
}

// BatchMode: a question for a passphrase or an unknown host key would be asked of nobody.
const SSH = 'ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15 -o ControlPath=none';
// Neither keys nor agent nor configuration of the coordinator's user.
const ANONYMOUS_SSH = `${SSH} -F /dev/null -o IdentitiesOnly=yes -o IdentityFile=none -o IdentityAgent=none -o GSSAPIAuthentication=no -o HostbasedAuthentication=no`;

/** To the repository itself. A token is read now, and lives in the environment of the git processes of this access. */
export async function ownAccess(
  url: RepositoryUrl,
  tokenPath: string | null,
  readSecret: (path: string) => Promise<string>,
  sshAgent: string | undefined,
): Promise<Access> {
  const agent = sshAgent === undefined ? {} : { SSH_AUTH_SOCK: sshAgent };
  if (url.transport === 'ssh') {
    return { url, transports: ['ssh'], env: { ...agent, GIT_SSH_COMMAND: SSH }, secrets: [] };
  }
  if (tokenPath === null || (url.transport !== 'https' && url.transport !== 'http')) {
    return { url, transports: [url.transport], env: {}, secrets: [] };
  }
  const token = await readToken(tokenPath, readSecret);
  // From the text: git asks with the host as it is written there, a default port with it.
  const [, protocol = '', host = '', rawPath = ''] =
    /^([a-z]+):\/\/(?:[^/@]*@)?([^/?#]*)\/*([^?#]*)/i.exec(url.text) ?? [];
  const path = decodeURIComponent(rawPath)
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
  return {
    url,
    transports: [url.transport],
    env: {
      ARGUNIX_GIT_TOKEN: token,
      ARGUNIX_GIT_PROTOCOL: protocol.toLowerCase(),
      ARGUNIX_GIT_HOST: host,
      ARGUNIX_GIT_PATH: path,
    },
    secrets: [token],
  };
}

/** To a repository that a revision names: without any credential. */
export function anonymousAccess(url: RepositoryUrl): Access {
  return {
    url,
    transports: [url.transport],
    env: url.transport === 'ssh' ? { GIT_SSH_COMMAND: ANONYMOUS_SSH } : {},
    secrets: [],
  };
}

async function readToken(path: string, readSecret: (path: string) => Promise<string>): Promise<string> {
  const token = (await readSecret(path)).trim();
  // oxlint-disable-next-line no-control-regex -- a line break would end the helper's answer early
  if (token === '' || /[\u0000-\u001f\u007f]/.test(token)) {
    throw new AppError('secret.unreadable', `${path}: expected a token of one line, got none or several`);
  }
  return token;
}
