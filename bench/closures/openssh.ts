/** A real OpenSSH server on loopback that lets one key in and runs `nix-store --serve` on the private host it is told. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PrivateHost } from './private-host.ts';

export interface OpenSsh {
  /** For `NIX_SSHOPTS`. */
  readonly clientOptions: string;
  readonly uri: string;
  /** Whoever comes from now on is on this host. */
  leadTo(host: PrivateHost): Promise<void>;
  close(): Promise<void>;
}

const run = promisify(execFile);
const FETCHED = join(import.meta.dirname, '../../.tools/openssh');
const UP_WITHIN_MS = 10_000;
const FETCHED_WITHIN_MS = 120_000;

/** `ciphers` as ssh_config has them; OpenSSH's own choice where it is left out. */
export async function startOpenSsh(dir: string, ciphers?: string): Promise<OpenSsh> {
  await mkdir(dir, { recursive: true });
  const hostKey = join(dir, 'host');
  const clientKey = join(dir, 'client');
  const config = join(dir, 'config');
  const lead = join(dir, 'lead');
  for (const key of [hostKey, clientKey]) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  }
  const port = await freePort();
  await copyFile(`${clientKey}.pub`, join(dir, 'authorized'));
  await writeFile(
    config,
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${hostKey}\nAuthorizedKeysFile ${dir}/authorized\nPermitRootLogin yes\nStrictModes no\nUsePAM no\nPidFile none\nForceCommand ${lead}\n`,
  );
  // It wants a user of its own to give its rights away to; this machine need not have one.
  const passwords = await readFile('/etc/passwd', 'utf8');
  await writeFile(
    join(dir, 'passwd'),
    /^sshd:/m.test(passwords) ? passwords : `${passwords}sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n`,
  );
  const { program, libraries } = await findServer();
  const server = spawn(
    'unshare',
    [
      '-m',
      '/bin/sh',
      '-c',
      'mount --bind "$0/passwd" /etc/passwd && mount -t tmpfs none /run && mkdir /run/sshd && exec "$1" -D -e -f "$0/config"',
      dir,
      program,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LD_LIBRARY_PATH: libraries } },
  );
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const deadline = performance.now() + UP_WITHIN_MS;
  while (!said.includes('Server listening')) {
    if (server.exitCode !== null || performance.now() > deadline) {
      server.kill();
      throw new Error(`OpenSSH's server did not start: ${said}`);
    }
    await sleep(20);
  }
  return {
    clientOptions: `-p ${port} -i ${clientKey} -o UserKnownHostsFile=${dir}/known -o StrictHostKeyChecking=accept-new${ciphers === undefined ? '' : ` -c ${ciphers}`}`,
    uri: 'ssh://root@127.0.0.1',
    async leadTo({ env, nixDir }) {
      await writeFile(
        lead,
        `#!/bin/sh
export PATH='${env['PATH']}' NIX_CONFIG='${env['NIX_CONFIG']}'
case $SSH_ORIGINAL_COMMAND in
  *nix-store*) exec unshare -m /bin/sh -c 'mount --bind "$0" /nix && exec nix-store --serve --write' '${nixDir}' ;;
  # Newer ones also ask whether there is a master connection.
  *) echo started ;;
esac
`,
      );
      await chmod(lead, 0o755);
    },
    async close() {
      const gone = once(server, 'exit');
      server.kill();
      await gone;
    },
  };
}

/** The system's, or Debian's package beside the project: installed, it would open a port on this machine for good. */
async function findServer(): Promise<{ readonly program: string; readonly libraries: string }> {
  const installed = '/usr/sbin/sshd';
  if (await isThere(installed)) {
    return { program: installed, libraries: '' };
  }
  const program = join(FETCHED, installed);
  if (!(await isThere(program))) {
    const packages = join(FETCHED, 'packages');
    await rm(FETCHED, { recursive: true, force: true });
    await mkdir(packages, { recursive: true });
    await run('apt-get', ['download', 'openssh-server', 'libwrap0'], {
      cwd: packages,
      timeout: FETCHED_WITHIN_MS,
    });
    for (const file of await readdir(packages)) {
      await run('dpkg-deb', ['-x', join(packages, file), FETCHED]);
    }
  }
  const [architecture = ''] = (await readdir(join(FETCHED, 'usr/lib'))).filter((name) =>
    name.includes('-linux-'),
  );
  return { program, libraries: join(FETCHED, 'usr/lib', architecture) };
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
