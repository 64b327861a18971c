/** The few files of /etc that programs ask for, written by us: nothing of the host's own /etc is seen inside. */
import { realpathSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NixConfiguration } from '@argunix/shared/nix/nix-configuration';
import { gitConfig } from './git-config.ts';
import { NAME_SERVER } from './network-namespace.ts';

export interface SandboxFiles {
  readonly hasCertificates: boolean;
  readonly certificatesInside: string;
  /** `gitConfigPath`: in the place of the one for evaluations without inputs of their own. */
  mounts(hasNetwork: boolean, gitConfigPath?: string): readonly (readonly [from: string, to: string])[];
}

const CERTIFICATES_INSIDE = '/etc/ssl/certs/ca-certificates.crt';
const CERTIFICATES = [
  CERTIFICATES_INSIDE,
  '/etc/ssl/certs/ca-bundle.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/nix/var/nix/profiles/default/etc/ssl/certs/ca-bundle.crt',
];

export async function writeSandboxFiles(
  dir: string,
  settings: NixConfiguration,
  identity: { readonly uid: number; readonly gid: number },
  env: Readonly<Record<string, string | undefined>>,
): Promise<SandboxFiles> {
  await mkdir(dir, { recursive: true, mode: 0o755 });
  const contents = {
    passwd: `nobody:x:${identity.uid}:${identity.gid}:nobody:/home/argunix:/bin/false\n`,
    group: `nogroup:x:${identity.gid}:\n`,
    hosts: '127.0.0.1 localhost\n::1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
    'resolv.conf': `nameserver ${NAME_SERVER}\n`,
    'no-resolv.conf': '',
    // The source belongs to whoever made the checkout; git would refuse to read it as nobody.
    gitconfig: gitConfig([]),
    'nix.conf': nixConf(settings),
  };
  await Promise.all(
    Object.entries(contents).map(async ([name, content]) => {
      await writeFile(join(dir, name), content);
      await chmod(join(dir, name), 0o644);
    }),
  );
  const certificates = findCertificates(env);
  const fixed: readonly (readonly [string, string])[] = [
    ...['passwd', 'group', 'hosts', 'nsswitch.conf'].map(
      (name) => [join(dir, name), `/etc/${name}`] as const,
    ),
    [join(dir, 'nix.conf'), '/etc/nix/nix.conf'],
    ...(certificates === undefined ? [] : [[certificates, CERTIFICATES_INSIDE] as const]),
  ];
  return {
    hasCertificates: certificates !== undefined,
    certificatesInside: CERTIFICATES_INSIDE,
    mounts: (hasNetwork, gitConfigPath = join(dir, 'gitconfig')) => [
      ...fixed,
      [gitConfigPath, '/etc/gitconfig'],
      [join(dir, hasNetwork ? 'resolv.conf' : 'no-resolv.conf'), '/etc/resolv.conf'],
    ],
  };
}

/** No substituters (the daemon has them), no access tokens, no netrc. */
function nixConf({ experimentalFeatures, extraPlatforms, flakeRegistry }: NixConfiguration): string {
  const features = new Set([
    'nix-command',
    'flakes',
    ...experimentalFeatures.filter((name) => /^[a-z]/.test(name)),
  ]);
  return [
    `experimental-features = ${[...features].join(' ')}`,
    `extra-platforms = ${extraPlatforms.join(' ')}`,
    ...(flakeRegistry === null ? [] : [`flake-registry = ${flakeRegistry}`]),
    'accept-flake-config = false',
    'warn-dirty = false',
    'connect-timeout = 15',
    '',
  ].join('\n');
}

function findCertificates(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return [env['NIX_SSL_CERT_FILE'], env['SSL_CERT_FILE'], ...CERTIFICATES]
    .map((path) => resolved(path ?? ''))
    .find((path) => path !== undefined);
}

function resolved(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    // Not on this host.
    return undefined;
  }
}
