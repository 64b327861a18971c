/**
 * A builder's host, as far as Nix and SSH can tell: a store of its own (mount namespace) and an address of its own
 * (network namespace), with one link to the coordinator's host, which can be taken down.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface BuilderHost {
  /** How it reaches the coordinator's host. */
  readonly gateway: string;
  /** Runs there; its `/nix` is its own. */
  spawn(command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess;
  link(state: 'up' | 'down'): void;
  remove(): void;
}

let made = 0;

/** Undefined where we may not make namespaces. */
export function mayMakeHosts(): boolean {
  return (
    process.getuid?.() === 0 &&
    spawnSync('unshare', ['-m', 'true']).status === 0 &&
    run('ip', ['netns', 'list'])
  );
}

export function makeBuilderHost(dir: string): BuilderHost {
  if (made === 0) {
    removeLeftovers();
  }
  made += 1;
  const id = `${process.pid}x${made}`;
  const [space, outer, inner] = [`argunix-${id}`, `au${id}`, `ai${id}`];
  const net = freeNet();
  const nix = join(dir, 'nix');
  mkdirSync(join(nix, 'store'), { recursive: true });
  must('ip', ['netns', 'add', space]);
  must('ip', ['link', 'add', outer, 'type', 'veth', 'peer', 'name', inner]);
  must('ip', ['link', 'set', inner, 'netns', space]);
  must('ip', ['addr', 'add', `${net}.1/30`, 'dev', outer]);
  must('ip', ['link', 'set', outer, 'up']);
  must('ip', ['-n', space, 'addr', 'add', `${net}.2/30`, 'dev', inner]);
  must('ip', ['-n', space, 'link', 'set', inner, 'up']);
  must('ip', ['-n', space, 'link', 'set', 'lo', 'up']);

  return {
    gateway: `${net}.1`,
    spawn: (command, args, env) =>
      spawn(
        'ip',
        [
          'netns',
          'exec',
          space,
          'unshare',
          '--mount',
          'sh',
          '-c',
          'mount --bind "$1" /nix && shift && exec "$@"',
          'sh',
          nix,
          command,
          ...args,
        ],
        { env, stdio: ['ignore', 'pipe', 'pipe'] },
      ),
    link: (state) => {
      // Down, whatever is sent there vanishes without a word.
      must('ip', ['link', 'set', outer, state]);
    },
    remove: () => {
      run('ip', ['link', 'del', outer]);
      run('ip', ['netns', 'del', space]);
    },
  };
}

/** A small net for each, 10.100.0.0/30 and on, that nobody on this host has. */
function freeNet(): string {
  const { stdout } = spawnSync('ip', ['-o', '-4', 'addr'], { encoding: 'utf8' });
  for (let number = process.pid + made; ; number += 1) {
    const net = `10.${100 + (Math.floor(number / 250) % 100)}.${number % 250}`;
    if (!stdout.includes(` ${net}.`)) {
      return net;
    }
  }
}

/** Of runs that were killed: their nets would answer for ours. */
function removeLeftovers(): void {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  for (const [space, pid = ''] of stdout.matchAll(/^argunix-(\d+)x\d+/gm)) {
    if (!existsSync(`/proc/${pid}`)) {
      run('ip', ['link', 'del', space.replace('argunix-', 'au')]);
      run('ip', ['netns', 'del', space]);
    }
  }
}

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function must(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  }
}
