/** The gate as a process of its own: started again, after a growing pause, when it ends by itself. */
// oxlint-disable-next-line no-restricted-imports -- a part of ours with a channel that carries sockets, not another program
import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { AppError } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import type { FromGate, GateSettings, ToGate } from '../messages.ts';

export interface GateProcess {
  send(message: ToGate): void;
  /** Where it listens; rejects with `listen.failed` when it cannot at the first start. */
  readonly listening: Promise<string>;
  readonly address: string | null;
  stop(): Promise<void>;
}

export interface GateProcessOptions {
  readonly settings: GateSettings;
  /** All of the environment of the two processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The program that it is. */
  readonly program: URL;
  readonly log: Logger;
  take(message: FromGate): void;
  /** Every connection is gone with it; `isWanted`: because we stop. */
  ended(isWanted: boolean): void;
}

// What is carried is no object of JavaScript; with 4 MB of it, each of the two processes keeps some 50 MB of dead ones more.
const YOUNG_MEMORY = '--max-semi-space-size=1';
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
// Longer than that and its end is a new one.
const STEADY_MS = 60_000;
const KILL_AFTER_MS = 5_000;
// A process that loads SSH and opens a port: a second on a busy host.
const START_WITHIN_MS = 30_000;

export function startGateProcess(options: GateProcessOptions): GateProcess {
  const { settings, log } = options;
  const { promise: listening, resolve, reject } = Promise.withResolvers<string>();
  listening.catch(() => undefined);
  const late = setTimeout(
    () => reject(new AppError('listen.failed', 'the gate for builders did not start; the log says why')),
    START_WITHIN_MS,
  );
  listening.then(
    () => clearTimeout(late),
    () => clearTimeout(late),
  );
  let isStopping = false;
  let hasListened = false;
  let pauseMs = FIRST_PAUSE_MS;
  let address: string | null = null;
  let pause: NodeJS.Timeout | undefined;
  let child: ChildProcess = start();

  function start(): ChildProcess {
    const isSource = extname(options.program.pathname) === '.ts';
    const startedAt = performance.now();
    const started = fork(options.program, [], {
      env: { ...options.env },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [...(isSource ? process.execArgv : []), YOUNG_MEMORY],
    });
    started.on('message', (message: FromGate) => take(message));
    started.on('error', (error) => log.error({ err: error }, 'the gate for builders could not be reached'));
    started.once('exit', (code, signal) => {
      address = null;
      options.ended(isStopping);
      if (isStopping) {
        return;
      }
      log.error({ code, signal }, 'the gate for builders ended and is started again');
      pauseMs =
        performance.now() - startedAt > STEADY_MS ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      pause = setTimeout(() => {
        child = start();
      }, pauseMs);
    });
    started.send({ kind: 'start', settings } satisfies ToGate);
    return started;
  }
  function take(message: FromGate): void {
    if (message.kind === 'listening') {
      address = message.address;
      hasListened = true;
      log.info({ address }, 'builders may dial in');
      resolve(message.address);
    } else if (message.kind === 'deaf') {
      log.error({ code: message.code }, 'the gate for builders cannot listen');
      // Later than at the first start somebody may have taken its port for a moment: its end brings another try.
      if (hasListened) {
        child.kill('SIGTERM');
      }
      reject(
        new AppError(
          'listen.failed',
          `builder_enrollment.listen: expected an address that is free, got ${message.code} for ${settings.host}:${settings.port}`,
        ),
      );
    } else {
      options.take(message);
    }
  }

  return {
    listening,
    get address() {
      return address;
    },
    send: (message) => {
      if (child.connected) {
        child.send(message);
      }
    },
    stop: async () => {
      isStopping = true;
      clearTimeout(pause);
      if (child.exitCode !== null || child.signalCode !== null) {
        return;
      }
      const { promise, resolve: gone } = Promise.withResolvers<void>();
      child.once('exit', () => gone());
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
      await promise;
      clearTimeout(kill);
    },
  };
}
