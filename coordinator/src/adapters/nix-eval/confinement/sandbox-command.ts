/**
 * The argument list of bubblewrap: what one evaluation sees. Everything is named here; what is not named does not
 * exist inside. Root cannot give up being root by a user namespace of bubblewrap's (uid 0 outside stays the owner of
 * root's files and trusted by the Nix daemon), so it sets the mounts up and becomes nobody by setpriv.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import type { SandboxFiles } from './sandbox-files.ts';

export interface Sandbox {
  readonly isRoot: boolean;
  readonly files: SandboxFiles;
  readonly systemPaths: readonly string[];
  readonly visible: readonly string[];
  readonly socketDir: string;
  readonly homeDir: string;
  readonly gitConfigPath?: string | undefined;
  readonly tmpDir: string;
  readonly path: string;
  /** False for a network with nothing in it; true when the command is started inside the one it shall have. */
  readonly hasNetwork: boolean;
}

/** Nobody of every Linux distribution: owns nothing, and no Nix daemon trusts it. */
export const NOBODY = 65_534;
const HOME = '/home/argunix';
const SOCKET_DIR = '/run/argunix-nix-daemon';

const DROPPED = {
  root: [
    '--cap-drop',
    'ALL',
    '--cap-add',
    'CAP_SETUID',
    '--cap-add',
    'CAP_SETGID',
    '--cap-add',
    'CAP_SETPCAP',
  ],
  user: ['--unshare-user', '--cap-drop', 'ALL'],
};
const BECOME_NOBODY = [
  'setpriv',
  ...['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'],
  ...['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--'],
];

export function sandboxCommand(sandbox: Sandbox, command: readonly string[]): readonly string[] {
  const { isRoot, files, hasNetwork } = sandbox;
  return [
    'bwrap',
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try', '--hostname', 'argunix'],
    ...(hasNetwork ? [] : ['--unshare-net']),
    ...['--die-with-parent', '--new-session', '--clearenv'],
    ...(isRoot ? DROPPED.root : DROPPED.user),
    ...['--proc', '/proc', '--dev', '/dev', '--bind', sandbox.tmpDir, '/tmp'],
    ...sandbox.systemPaths.flatMap(systemPath),
    ...readOnly('/nix/store', '/nix/store'),
    ...readOnly(sandbox.socketDir, SOCKET_DIR),
    ...files.mounts(hasNetwork, sandbox.gitConfigPath).flatMap(([from, to]) => readOnly(from, to)),
    ...[...parentsOf(HOME), '--bind', sandbox.homeDir, HOME],
    ...sandbox.visible.flatMap((dir) => readOnly(dir, dir)),
    ...Object.entries(environment(sandbox)).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--remount-ro', '/', '--chdir', '/', '--'],
    ...(isRoot ? BECOME_NOBODY : []),
    ...command,
  ];
}

function environment({ path, files }: Sandbox): Record<string, string> {
  return {
    PATH: path,
    HOME,
    USER: 'nobody',
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
    NIX_REMOTE: 'daemon',
    NIX_DAEMON_SOCKET_PATH: `${SOCKET_DIR}/socket`,
    NIX_CONF_DIR: '/etc/nix',
    NIX_USER_CONF_FILES: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    ...(files.hasCertificates
      ? {
          NIX_SSL_CERT_FILE: files.certificatesInside,
          SSL_CERT_FILE: files.certificatesInside,
          GIT_SSL_CAINFO: files.certificatesInside,
        }
      : {}),
  };
}

function readOnly(from: string, to: string): readonly string[] {
  return [...parentsOf(to), '--ro-bind', from, to];
}

/** Made by name: those that bubblewrap makes by itself nobody may enter. */
function parentsOf(path: string): readonly string[] {
  const segments = path.split('/').slice(1, -1);
  return segments.flatMap((_, i) => ['--dir', `/${segments.slice(0, i + 1).join('/')}`]);
}

/** As the host has it: /bin is a link on most and a directory on some. */
function systemPath(path: string): readonly string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    return [];
  }
  return found.isSymbolicLink()
    ? [...parentsOf(path), '--symlink', readlinkSync(path), path]
    : readOnly(path, path);
}
