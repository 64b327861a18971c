import { existsSync, readFileSync } from 'node:fs';

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

const NO_BUILD_USERS =
  'Nix has no build users on this host, so builds run as root. Add the group nixbld with some users to it ' +
  '(on Debian: apt-get install nix-setup-systemd), or set build-users-group in /etc/nix/nix.conf.';

// Debian's package bash-static.
const STATIC_SHELL = '/usr/bin/bash-static';

/**
 * What a Debian with nothing but nix-bin lacks, told to Nix where nobody has said otherwise. As root Nix wants its build
 * users, the group `nixbld`, and refuses every build when there are none: it is told that none are wanted, and the
 * operator that this is not for strangers' code, since a sandboxed build is then root of the host outside its
 * namespace. And Debian's Nix has no /bin/sh for its sandbox, as every other Nix has: a static bash stands in.
 */
export function nixSurroundings(environment: NodeJS.ProcessEnv): NixSurroundings {
  const env = nixEnvironment(environment);
  const settings = `${env['NIX_CONFIG'] ?? ''}\n${textOf('/etc/nix/nix.conf')}`;
  // Whoever is not root cannot say it anyway.
  const mayTell = process.platform === 'linux' && process.getuid?.() === 0;
  const lacksUsers =
    mayTell && !/^nixbld:/m.test(textOf('/etc/group')) && !/^\s*build-users-group\s*=/m.test(settings);
  const lacksShell =
    mayTell && !/^\s*(?:extra-)?sandbox-paths\s*=/m.test(settings) && existsSync(STATIC_SHELL);
  const lines = [
    ...(lacksUsers ? ['build-users-group ='] : []),
    ...(lacksShell ? [`extra-sandbox-paths = /bin/sh=${STATIC_SHELL}`] : []),
  ];
  return {
    env:
      lines.length === 0 ? env : { ...env, NIX_CONFIG: [env['NIX_CONFIG'] ?? '', ...lines, ''].join('\n') },
    warnings: lacksUsers ? [NO_BUILD_USERS] : [],
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
