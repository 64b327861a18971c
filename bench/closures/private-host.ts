/** "Another host" on this one: programs that see a directory of their own at /nix, and Node processes among them. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface PrivateHost {
  readonly nixDir: string;
  readonly env: NodeJS.ProcessEnv;
  run(command: string, ...args: readonly string[]): Promise<string>;
  /** A Node process with a message channel. */
  node(script: URL, ...args: readonly string[]): ChildProcess;
}

const IN_NAMESPACE = ['unshare', '-m', '--', '/bin/sh', '-c', 'mount --bind "$0" /nix && exec "$@"'];

/** `pathPrefix` names the directory of the Nix that is used; empty for the machine's own. */
export async function createPrivateHost(nixDir: string, pathPrefix: string): Promise<PrivateHost> {
  await mkdir(nixDir, { recursive: true });
  const env = {
    PATH: [pathPrefix, process.env['PATH']].filter(Boolean).join(':'),
    HOME: '/var/empty',
    NIX_CONFIG:
      'substituters =\nexperimental-features = nix-command flakes\nbuild-users-group =\nsandbox = false',
  };
  const host: PrivateHost = {
    nixDir,
    env,
    async run(...line) {
      const [command = '', ...args] = [...IN_NAMESPACE, nixDir, ...line];
      const finished = await promisify(execFile)(command, args, { env, maxBuffer: 64 * 1024 * 1024 });
      return finished.stdout.trim();
    },
    node(script, ...more) {
      const line = [
        ...IN_NAMESPACE,
        nixDir,
        process.execPath,
        '--conditions=source',
        script.pathname,
        ...more,
      ];
      const [command = '', ...args] = line;
      return spawn(command, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    },
  };
  // Whoever comes first makes the database; that is not what is measured.
  await host.run('nix-store', '--init');
  return host;
}

/** The Nix of the machine and the one beside it, where it is. */
export function nixesToMeasure(): readonly { readonly title: string; readonly pathPrefix: string }[] {
  const newer = process.env['ARGUNIX_TEST_NIX'] ?? join(import.meta.dirname, '../../.tools/nix-2.26/bin');
  return [
    { title: '2.8', pathPrefix: '' },
    { title: '2.26', pathPrefix: newer },
  ];
}

/** One message to a child, and its answer. */
export async function ask(child: ChildProcess, question: object): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const onExit = (code: number | null): void =>
    reject(new Error(`a process of the bench ended with ${code}`));
  child.once('message', resolve);
  child.once('exit', onExit);
  child.send(question);
  try {
    return await promise;
  } finally {
    child.off('message', resolve);
    child.off('exit', onExit);
  }
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.disconnect();
    await gone;
  }
}

/** The text of a derivation; `more` are further attributes. */
export function derivationText(name: string, more: string): string {
  return `derivation { name = "${name}"; system = "x86_64-linux"; builder = "/bin/sh"; PATH = "/usr/bin:/bin"; ${more} }`;
}

/** A store is read-only inside. */
export function removeStore(dir: string): void {
  execFileSync('chmod', ['-R', 'u+w', dir]);
  execFileSync('rm', ['-rf', dir]);
}
