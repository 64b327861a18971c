/** This process's end of its launcher: programs are started there, and their streams come here by a socket. */
// oxlint-disable-next-line no-restricted-imports -- a part of ours with a channel, not another program
import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { sendSignal } from '@argunix/shared/kit/descendants';
import type { Logger } from '@argunix/shared/kit/logger';
import {
  type Program,
  type ProgramEvents,
  type StartProgram,
  startHere,
} from '@argunix/shared/kit/start-program';
import { lateReadable, lateWritable } from './late-streams.ts';
import { GREETING_BYTES, ID_BYTES, type LaunchNews, type LaunchOrder, STREAMS } from './messages.ts';

export interface Launcher {
  /** Starts by the launcher; as our own child while there is none. */
  readonly start: StartProgram;
  /** What it started is told to have been hung up on. */
  stop(): Promise<void>;
}

export interface LauncherOptions {
  /** In a directory that is ours alone. */
  readonly socketPath: string;
  readonly log: Logger;
  readonly startWithinMs?: number;
}

// Three connections and a fork: milliseconds. A host that swaps takes its time.
const START_WITHIN_MS = 60_000;
const GREETING_WITHIN_MS = 10_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
const KILL_AFTER_MS = 2_000;
const FORK = {
  // A group of its own: a Ctrl-C in our terminal is for us.
  detached: true,
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  execArgv: [
    ...(extname(import.meta.filename) === '.ts' ? process.execArgv : []),
    // Its garbage is a few messages.
    ...['--max-semi-space-size=1', '--max-old-space-size=64'],
  ],
} satisfies ForkOptions;

/** Throws what listening on the socket throws. */
export async function startLauncher(options: LauncherOptions): Promise<Launcher> {
  const { socketPath, log, startWithinMs = START_WITHIN_MS } = options;
  const launches = new Map<string, Launch>();
  const server = await listen(socketPath, (socket) => greet(socket, launches));
  let isStopping = false;
  let pauseMs = FIRST_PAUSE_MS;
  let pause: NodeJS.Timeout | undefined;
  let heardAt = 0;
  /** Undefined while there is none. */
  let child: ChildProcess | undefined;

  function begin(): void {
    try {
      child = follow(fork(programOf(), [], FORK));
    } catch (error) {
      // No memory or no process left for it.
      beginLater(error);
    }
  }
  function beginLater(cause: unknown): void {
    child = undefined;
    for (const launch of launches.values()) {
      // What is tied to us has been killed with it, the rest is by who hears of this; SIGKILL would mean: no memory.
      launch.exited(null, 'SIGHUP');
    }
    if (!isStopping) {
      log.error(
        { err: cause },
        'the launcher of programs ended, and what it had started with it; it is started again',
      );
      pause = setTimeout(begin, pauseMs);
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
  }
  function follow(begun: ChildProcess): ChildProcess {
    begun.on('message', (news: LaunchNews) => {
      pauseMs = FIRST_PAUSE_MS;
      heardAt = performance.now();
      hear(launches, news);
    });
    begun.on('error', (error) => {
      if (begun.pid === undefined) {
        beginLater(error);
      }
    });
    begun.once('exit', (code, signal) => beginLater(new Error(`it ended with ${signal ?? code}`)));
    return begun;
  }
  begin();

  return {
    start(line, events) {
      const by = child;
      if (by?.connected !== true || isStopping) {
        return startHere(line, events);
      }
      const id = randomBytes(ID_BYTES / 2).toString('hex');
      const launch = createLaunch(events, () => launches.delete(id));
      const sentAt = performance.now();
      launches.set(id, launch);
      by.send({ id, socketPath, line } satisfies LaunchOrder);
      const late = setTimeout(() => {
        launch.failed(`${line.name}: it could not be started within ${startWithinMs / 1_000} s`);
        if (heardAt < sentAt && child === by) {
          // It hangs, and so would all that come after.
          child = undefined;
          by.kill('SIGKILL');
        }
      }, startWithinMs);
      void launch.settled.then(() => clearTimeout(late));
      return launch.program;
    },
    async stop() {
      isStopping = true;
      clearTimeout(pause);
      server.close();
      if (child?.pid !== undefined) {
        const ending = child;
        const gone = once(ending, 'exit');
        const kill = setTimeout(() => ending.kill('SIGKILL'), KILL_AFTER_MS);
        ending.disconnect();
        await gone;
        clearTimeout(kill);
      }
    },
  };
}

function programOf(): URL {
  return new URL(`./launcher-process${extname(import.meta.filename)}`, import.meta.url);
}

async function listen(path: string, take: (socket: Socket) => void): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: false }, take);
  server.listen(path);
  await once(server, 'listening');
  // It keeps nobody from ending.
  server.unref();
  return server;
}

function greet(socket: Socket, launches: ReadonlyMap<string, Launch>): void {
  socket.on('error', () => undefined);
  socket.setTimeout(GREETING_WITHIN_MS, () => socket.destroy());
  socket.once('readable', () => {
    const greeting: unknown = socket.read(GREETING_BYTES);
    const text = Buffer.isBuffer(greeting) ? greeting.toString('latin1') : '';
    const launch = launches.get(text.slice(0, ID_BYTES));
    const at = STREAMS.find((one) => String(one) === text.slice(ID_BYTES));
    if (launch === undefined || at === undefined) {
      socket.destroy();
      return;
    }
    socket.setTimeout(0);
    launch.connected(at, socket);
  });
}

function hear(launches: ReadonlyMap<string, Launch>, news: LaunchNews): void {
  const launch = launches.get(news.id);
  if (news.kind === 'unstartable') {
    launch?.failed(news.message);
  } else if (news.kind === 'exited') {
    launch?.exited(news.code, news.signal);
  } else if (launch === undefined) {
    // It came too late, and was given up.
    sendSignal(-news.pid, 'SIGKILL');
  } else {
    launch.started(news.pid);
  }
}

/** One program at the launcher, from the order to its end. */
interface Launch {
  readonly program: Program;
  /** It runs, or never will. */
  readonly settled: Promise<void>;
  connected(at: (typeof STREAMS)[number], socket: Socket): void;
  started(pid: number): void;
  failed(message: string): void;
  exited(code: number | null, signal: NodeJS.Signals | null): void;
}

function createLaunch(events: ProgramEvents, onOver: () => void): Launch {
  const stdin = lateWritable();
  const outputs = [lateReadable(), lateReadable()] as const;
  const [stdout, stderr] = outputs;
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  const early = new Map<number, Socket>();
  let pid: number | undefined;
  let hasExited = false;

  function join(at: number, socket: Socket): void {
    const output = outputs[at - 1];
    if (output === undefined) {
      stdin.attach(socket);
    } else {
      output.attach(socket);
    }
  }
  function closeOutput(): void {
    for (const output of outputs) {
      output.end();
    }
  }
  function end(): void {
    settle();
    hasExited = true;
    stdin.stream.destroy();
    if (pid === undefined) {
      closeOutput();
      for (const socket of early.values()) {
        socket.destroy();
      }
    }
  }

  return {
    program: {
      get pid() {
        return pid;
      },
      get hasExited() {
        return hasExited;
      },
      stdin: stdin.stream,
      stdout: stdout.stream,
      stderr: stderr.stream,
      bytesRead: () => stdout.bytesRead() + stderr.bytesRead(),
      closeOutput,
    },
    settled,
    connected(at, socket) {
      // Nothing is written to a program, and nothing of it is heard, before its number is known.
      if (pid === undefined) {
        early.set(at, socket);
      } else {
        join(at, socket);
      }
    },
    started(number) {
      pid = number;
      settle();
      events.started();
      for (const [at, socket] of early) {
        join(at, socket);
      }
      early.clear();
    },
    failed(message) {
      end();
      onOver();
      events.unstartable(message);
    },
    exited(code, signal) {
      // It may have ended before the launcher did, with a stray that still holds its output.
      if (hasExited) {
        return;
      }
      end();
      // Its last words may still be on their way: who it was is known until they have come.
      void Promise.all(outputs.map(({ stream }) => closing(stream))).then(() => {
        onOver();
        events.closed(code, signal);
      });
      events.exited();
    },
  };
}

/** What nobody reads is read to its end all the same. */
async function closing(stream: Readable): Promise<void> {
  if (stream.readableFlowing === null && stream.listenerCount('readable') === 0) {
    stream.resume();
  }
  if (!stream.closed) {
    await new Promise((resolve) => stream.once('close', resolve));
  }
}
