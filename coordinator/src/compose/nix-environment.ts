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

export function nixEnvironment(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}
