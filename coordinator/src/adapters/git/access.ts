/** How git may reach one repository: over which transport, as whom. What a revision names is reached as nobody. */
import { constants } from 'node:fs';
import { access as mayAccess } from 'node:fs/promises';
import { AppError } from '@argunix/shared/kit/app-error';
import type { CloneCredential } from '../../ports/forge.ts';
import type { SourceCredential } from '../../ports/source-checkout.ts';
import type { RepositoryUrl, Transport } from './repository-url.ts';
import { anonymousSsh, keySsh, userSsh } from './ssh-command.ts';

export interface Access {
  readonly url: RepositoryUrl;
  readonly transports: readonly Transport[];
  readonly env: Readonly<Record<string, string>>;
  /** Must not show in anything that is said. */
  readonly secrets: readonly string[];
}

/** One that git is handed as user name and password. */
export type PasswordCredential = Exclude<SourceCredential, { kind: 'ssh_key' }>;

export interface AccessOptions {
  /** Asked at each use. */
  readonly credentialOf: (credential: PasswordCredential, signal: AbortSignal) => Promise<CloneCredential>;
  readonly sshAgent: string | undefined;
  /** Of servers that are reached with a key of the configuration. */
  readonly knownHostsPath: string;
}

/** To the repository itself. A secret is asked for now, and lives in the environment of the git processes of this access. */
export async function ownAccess(
  url: RepositoryUrl,
  credential: SourceCredential | null,
  options: AccessOptions,
  signal: AbortSignal,
): Promise<Access> {
  if (credential?.kind === 'ssh_key' || (credential?.kind === 'forge' && url.transport === 'ssh')) {
    return await keyAccess(url, credential, options.knownHostsPath);
  }
  if (url.transport === 'ssh') {
    const agent = options.sshAgent === undefined ? {} : { SSH_AUTH_SOCK: options.sshAgent };
    return { url, transports: ['ssh'], env: { ...agent, GIT_SSH_COMMAND: userSsh() }, secrets: [] };
  }
  if (credential === null || (url.transport !== 'https' && url.transport !== 'http')) {
    return { url, transports: [url.transport], env: {}, secrets: [] };
  }
  const { username, password } = await askedFor(credential, options, signal);
  return {
    url,
    transports: [url.transport],
    env: { ...scopeOf(url), ARGUNIX_GIT_USERNAME: username, ARGUNIX_GIT_TOKEN: password },
    secrets: [password],
  };
}

/** To a repository that a revision names: without any credential. */
export function anonymousAccess(url: RepositoryUrl): Access {
  return {
    url,
    transports: [url.transport],
    env: url.transport === 'ssh' ? { GIT_SSH_COMMAND: anonymousSsh() } : {},
    secrets: [],
  };
}

/** What the helper answers for. From the text: git asks with the host as it is written there, a default port with it. */
function scopeOf(url: RepositoryUrl): Readonly<Record<string, string>> {
  const [, protocol = '', host = '', rawPath = ''] =
    /^([a-z]+):\/\/(?:[^/@]*@)?([^/?#]*)\/*([^?#]*)/i.exec(url.text) ?? [];
  return {
    ARGUNIX_GIT_PROTOCOL: protocol.toLowerCase(),
    ARGUNIX_GIT_HOST: host,
    ARGUNIX_GIT_PATH: decodeURIComponent(rawPath)
      .replace(/(?<!\/)\/+$/, '')
      .replace(/\.git$/, ''),
  };
}

async function keyAccess(
  url: RepositoryUrl,
  credential: Exclude<SourceCredential, { kind: 'file' }>,
  knownHostsPath: string,
): Promise<Access> {
  if (credential.kind !== 'ssh_key' || url.transport !== 'ssh') {
    throw new AppError(
      'git.refused',
      'a repository that is cloned over SSH needs a key (clone.ssh_key_path), and a key a URL of SSH',
    );
  }
  try {
    await mayAccess(credential.path, constants.R_OK);
  } catch (error) {
    throw new AppError(
      'secret.unreadable',
      `clone.ssh_key_path: expected a readable file with a private key, got ${codeOf(error)} for ${credential.path}`,
    );
  }
  return {
    url,
    transports: ['ssh'],
    env: { GIT_SSH_COMMAND: keySsh(credential.path, knownHostsPath) },
    secrets: [],
  };
}

async function askedFor(
  credential: PasswordCredential,
  { credentialOf }: AccessOptions,
  signal: AbortSignal,
): Promise<{ readonly username: string; readonly password: string }> {
  const found = await credentialOf(credential, signal);
  const username = found.username.trim();
  const password = found.password.reveal().trim();
  // oxlint-disable-next-line no-control-regex -- a line break would end the helper's answer early
  if (username === '' || password === '' || /[\u0000-\u001f\u007f]/.test(username + password)) {
    const from = credential.kind === 'file' ? credential.path : `forge ${credential.forge}`;
    throw new AppError('secret.unreadable', `${from}: expected a token of one line, got none or several`);
  }
  return { username, password };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'an error';
}
