/**
 * A Nix daemon of ours, where the host has none (root on a single-user store): the confined evaluator is nobody and
 * may write to the store only through one. It lives in a network of its own kind, as what is imported from derivations
 * is built and downloaded by it; and it builds in Nix's sandbox only, as its builders would else see the whole host.
 */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Logger } from '@argunix/shared/kit/logger';
import { describeEnding, type RunningProcess, startProcess } from '@argunix/shared/kit/run-process';
import { openNetwork } from './network-namespace.ts';
import { createStoreFronts, type StoreFronts } from './store-front/store-front.ts';

export interface OwnDaemonOptions {
  /** Holds the socket, and nothing else. */
  readonly socketDir: string;
  readonly command: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isOutgoing: boolean;
  readonly logger: Logger;
}

export interface OwnDaemon {
  /** Undefined once it answers, started anew when it had died; else the sentence why not. */
  ready(): Promise<string | undefined>;
  /** What evaluators are given in its place. */
  readonly fronts: StoreFronts;
  close(): Promise<void>;
}

const START_MS = 20_000;
const LOOK_EVERY_MS = 20;
// As long as a timer can be: 24 days. It is then started anew by the next evaluation.
const LIFETIME_MS = 2 ** 31 - 1;
const KEPT_LOG = 4_000;

interface Running {
  readonly process: RunningProcess;
  readonly closeNetwork: () => Promise<void>;
  isAlive: boolean;
  said: string;
}

export function createOwnDaemon(options: OwnDaemonOptions): OwnDaemon {
  const { socketDir, command, env, isOutgoing, logger } = options;
  const socket = join(socketDir, 'socket');
  const fronts = createStoreFronts(socket);
  let running: Running | undefined;
  let starting: Promise<string | undefined> | undefined;
  let isClosed = false;

  async function start(): Promise<string | undefined> {
    await running?.closeNetwork();
    await rm(socket, { force: true });
    await mkdir(socketDir, { recursive: true });
    await chmod(socketDir, 0o755);
    const opening = await openNetwork({ env, isRoot: true, isOutgoing });
    if (opening.kind === 'refused') {
      return opening.reason;
    }
    const { network } = opening;
    const [program, ...args] = [...network.enter, command, '--daemon'];
    const daemon: Running = {
      process: startProcess({
        command: program,
        args,
        env: {
          ...env,
          // Not left to Nix: on a store that nobody has used yet it would take our own socket for the store, for ever.
          NIX_REMOTE: 'local',
          NIX_DAEMON_SOCKET_PATH: socket,
          NIX_CONFIG: daemonConfig(env['NIX_CONFIG'], isOutgoing),
        },
        deadlineMs: LIFETIME_MS,
        whenOrphaned: 'TERM',
        isBackground: true,
      }),
      closeNetwork: () => network.close(),
      isAlive: true,
      said: '',
    };
    running = daemon;
    follow(daemon);
    return await answers(daemon);
  }

  function follow(daemon: Running): void {
    for (const stream of [daemon.process.stdout, daemon.process.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        daemon.said = (daemon.said + chunk.toString('utf8')).slice(-KEPT_LOG);
      });
    }
    daemon.process.stdin.end();
    void noteEnd(daemon);
  }

  async function noteEnd(daemon: Running): Promise<void> {
    const ending = await daemon.process.ended;
    daemon.isAlive = false;
    if (!isClosed) {
      logger.warn({ ending, said: daemon.said }, 'our Nix daemon ended');
    }
  }

  async function answers(daemon: Running): Promise<string | undefined> {
    const deadline = performance.now() + START_MS;
    while (daemon.isAlive && performance.now() < deadline) {
      if (await accepts(socket)) {
        return undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    const why = daemon.isAlive
      ? `it did not answer within ${START_MS / 1_000} s`
      : describeEnding(await daemon.process.ended);
    return `A Nix daemon could not be started for the evaluation: ${why}${daemon.said === '' ? '' : `: ${daemon.said.trim()}`}`;
  }

  return {
    fronts,
    async ready() {
      if (isClosed) {
        return 'The coordinator is stopping.';
      }
      if (running?.isAlive === true && starting === undefined) {
        return undefined;
      }
      starting ??= start().finally(() => {
        starting = undefined;
      });
      return await starting;
    },
    async close() {
      isClosed = true;
      await starting;
      await fronts.close();
      running?.process.stop();
      await running?.process.ended;
      await running?.closeNetwork();
      await rm(socketDir, { recursive: true, force: true });
    },
  };
}

/** Whether something accepts connections there. */
export async function accepts(socket: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const connection = connect(socket);
  connection.setTimeout(2_000, () => resolve(false));
  connection.on('connect', () => resolve(true));
  connection.on('error', () => resolve(false));
  const isThere = await promise;
  connection.destroy();
  return isThere;
}

/** Later lines win: what the host says stands, but for what the confinement rests on. */
export function daemonConfig(inherited: string | undefined, isOutgoing: boolean): string {
  return [
    inherited ?? '',
    'sandbox = true',
    'sandbox-fallback = false',
    // Nobody: what speaks to it for evaluators is root.
    'trusted-users =',
    'allowed-users = *',
    ...(isOutgoing ? ['download-attempts = 2'] : ['substituters =', 'download-attempts = 1']),
  ].join('\n');
}
