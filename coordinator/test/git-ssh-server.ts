/** A server that gives out repositories over SSH to one key, and counts who came with others. */
import type { AddressInfo } from 'node:net';
import { startProcess } from '@argunix/shared/kit/run-process';
import ssh2 from 'ssh2';
import { makeKey } from '../src/adapters/ssh/new-key.ts';

export interface GitSshServer {
  readonly port: number;
  /** Every way in that was tried: method, and for a public key its type and content. */
  readonly tried: readonly string[];
  close(): Promise<void>;
}

export interface GitSshOptions {
  readonly root: string;
  /** Private, in the form of OpenSSH. */
  readonly hostKey: string;
  readonly clientKey: string;
  readonly port?: number;
}

export function newSshKey(): string {
  return makeKey('test');
}

export async function startGitSshServer(options: GitSshOptions): Promise<GitSshServer> {
  const allowed = publicOf(options.clientKey);
  const tried: string[] = [];
  const clients = new Set<ssh2.Connection>();
  const server = new ssh2.Server({ hostKeys: [options.hostKey] }, (client) => {
    clients.add(client);
    client.on('error', () => undefined);
    client.on('authentication', (context) => {
      const key = context.method === 'publickey' ? context.key.data.toString('base64') : '';
      tried.push(`${context.method} ${key}`);
      if (context.username === 'git' && key === allowed) {
        context.accept();
      } else {
        context.reject(['publickey']);
      }
    });
    client.on('session', (accept) => {
      const session = accept();
      const env: Record<string, string> = {};
      session.on('env', (acceptEnv, _reject, { key, val }) => {
        env[key] = val;
        // oxlint-disable-next-line typescript/no-unnecessary-condition -- ssh2 gives none where the client asks for no answer
        acceptEnv?.();
      });
      session.on('exec', (acceptExec, reject, { command }) => {
        const path = /^git-upload-pack '([^']+)'$/.exec(command)?.[1];
        if (path === undefined) {
          reject();
          return;
        }
        serve(acceptExec(), `${options.root}${path}`, env['GIT_PROTOCOL']);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- node: a TCP server's address is an AddressInfo
  const { port } = server.address() as AddressInfo;
  return {
    port,
    tried,
    async close() {
      for (const client of clients) {
        client.end();
      }
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function publicOf(privateKey: string): string {
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) {
    throw parsed;
  }
  return parsed.getPublicSSH().toString('base64');
}

function serve(channel: ssh2.ServerChannel, path: string, protocol: string | undefined): void {
  const pack = startProcess({
    command: 'git',
    args: ['upload-pack', path],
    env: {
      PATH: process.env['PATH'],
      GIT_PROTOCOL: protocol,
      ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' },
    },
    deadlineMs: 60_000,
  });
  channel.pipe(pack.stdin);
  pack.stdout.pipe(channel, { end: false });
  pack.stderr.pipe(channel.stderr, { end: false });
  void pack.ended.then((ending) => {
    channel.exit(ending.kind === 'exited' ? ending.code : 1);
    channel.end();
  });
}
