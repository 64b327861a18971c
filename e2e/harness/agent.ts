/** A real agent as a process of its own, on a host of its own. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SANDBOXED } from './coordinator.ts';
import { type BuilderHost, makeBuilderHost } from './network.ts';

const PROGRAM = join(import.meta.dirname, '../../builder-agent/bin/argunix-builder');

export interface AgentOptions {
  readonly dir: string;
  readonly name: string;
  readonly port: number;
  readonly tokenPath: string;
  /** Takes whatever host key it meets first; default. */
  readonly trusts?: boolean;
  readonly nixConfig?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningAgent {
  readonly host: BuilderHost;
  readonly name: string;
  log(): string;
  /** Of its process: stop, continue, kill. */
  signal(signal: NodeJS.Signals): void;
  /** Starts it again on the same state and store. */
  restart(): void;
  readonly ended: Promise<number | NodeJS.Signals>;
  remove(): Promise<void>;
}

export function startAgent(options: AgentOptions): RunningAgent {
  const { name } = options;
  const dir = join(options.dir, name);
  mkdirSync(dir, { recursive: true });
  const host = makeBuilderHost(dir);
  let log = '';
  let child = start();
  let ended = endOf(child);

  function start(): ChildProcess {
    const started = host.spawn(
      PROGRAM,
      [
        ...['--argunix-host', host.gateway, '--argunix-port', String(options.port), '--name', name],
        ...['--enrollment-token-path', options.tokenPath],
        ...(options.trusts === false ? [] : ['--trust-first-host-key']),
        ...['--state-dir', join(dir, 'state')],
        ...(options.args ?? []),
      ],
      { ...process.env, NODE_OPTIONS: '', NIX_CONFIG: options.nixConfig ?? SANDBOXED, ...options.env },
    );
    for (const stream of [started.stdout, started.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        log = (log + text).slice(-1_000_000);
      });
    }
    return started;
  }
  return {
    host,
    name,
    log: () => log,
    signal: (signal) => void child.kill(signal),
    restart: () => {
      child = start();
      ended = endOf(child);
    },
    get ended() {
      return ended;
    },
    remove: async () => {
      child.kill('SIGKILL');
      await ended;
      host.remove();
    },
  };
}

function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code ?? -1)));
}
