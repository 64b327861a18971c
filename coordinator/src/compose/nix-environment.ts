import { readFileSync } from 'node:fs';

/** What Nix and git get of our environment: where programs, proxies and certificates are, and how Nix was set up. Nothing else. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'NIX_CONFIG',
  'NIX_CONF_DIR',
  'NIX_USER_CONF_FILES',
  'NIX_REMOTE',
  'NIX_DAEMON_SOCKET_PATH',
  'NIX_SSL_CERT_FILE',
  'NIX_STATE_DIR',
  'NIX_STORE_DIR',
  'SSL_CERT_FILE',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'all_proxy',
] as const;

function nixEnvironment(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}

export interface NixSurroundings {
  readonly env: Readonly<Record<string, string>>;
  /** What the operator should know of it. */
  readonly warnings: readonly string[];
}

/**
 * Nix as root wants its build users, the group `nixbld`, and refuses every build when there are none, as on a Debian
 * with nothing but nix-bin. Where nobody has said otherwise it is told that none are wanted, and the operator that
 * this is not for strangers' code: a sandboxed build is then root of the host outside its namespace.
 */
export function nixSurroundings(environment: NodeJS.ProcessEnv): NixSurroundings {
  const env = nixEnvironment(environment);
  const isSettled =
    process.platform !== 'linux' ||
    process.getuid?.() !== 0 ||
    /^nixbld:/m.test(textOf('/etc/group')) ||
    /^\s*build-users-group\s*=/m.test(`${env['NIX_CONFIG'] ?? ''}\n${textOf('/etc/nix/nix.conf')}`);
  if (isSettled) {
    return { env, warnings: [] };
  }
  return {
    env: { ...env, NIX_CONFIG: `${env['NIX_CONFIG'] ?? ''}\nbuild-users-group =\n` },
    warnings: [
      'Nix has no build users on this host, so builds run as root. Add the group nixbld with some users to it ' +
        '(on Debian: apt-get install nix-setup-systemd), or set build-users-group in /etc/nix/nix.conf.',
    ],
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It need not be there.
    return '';
  }
}
