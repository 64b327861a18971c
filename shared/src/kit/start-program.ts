/**
 * How a program is started: as our own child, or by a process that starts programs for us. To fork copies the tables of
 * all our memory, 1 ms for each 10 MB, and nothing else happens meanwhile; a small process has little to copy.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { getPriority, setPriority } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { messageOf } from './app-error.ts';

export interface ProgramLine {
  /** What errors call it. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string | undefined;
  readonly isBackground: boolean;
}

/** The leader of a process group and a session of its own, with a pipe at each of its three streams. */
export interface Program {
  /** Undefined until it runs. */
  readonly pid: number | undefined;
  readonly hasExited: boolean;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Of both its outputs. */
  bytesRead(): number;
  /** Whoever reads its outputs sees their end, though somebody else still holds the pipes. */
  closeOutput(): void;
}

/** None of them is called before the program was returned. */
export interface ProgramEvents {
  started(): void;
  /** It never ran, and nothing more is told. */
  unstartable(message: string): void;
  exited(): void;
  /** After `exited`, when both outputs have been read. */
  closed(code: number | null, signal: NodeJS.Signals | null): void;
}

export type StartProgram = (line: ProgramLine, events: ProgramEvents) => Program;

let current: StartProgram = startHere;

export function starter(): StartProgram {
  return current;
}

/** Of all programs that this process starts from now on. */
export function startProgramsBy(start: StartProgram): void {
  current = start;
}

export function startHere(line: ProgramLine, events: ProgramEvents): Program {
  const child = spawnIt(line, ['pipe', 'pipe', 'pipe']);
  if (typeof child === 'string') {
    return unstartable(child, events);
  }
  if (!hasSockets(child)) {
    // Node makes no pipes, and tells the error to who listens.
    child.on('error', () => undefined);
    return unstartable(`${line.name}: out of file descriptors`, events);
  }
  child.once('spawn', () => events.started());
  child.on('error', (error) => {
    if (child.pid === undefined) {
      events.unstartable(`${line.name}: ${error.message}`);
    }
  });
  child.once('exit', () => events.exited());
  child.once('close', (code, signal) => events.closed(code, signal));
  // A program that ends before it read its input is seen by its ending, not by a broken pipe of ours.
  child.stdin.on('error', () => undefined);
  return {
    get pid() {
      return child.pid;
    },
    get hasExited() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    bytesRead: () => child.stdout.bytesRead + child.stderr.bytesRead,
    closeOutput() {
      // An end, not a destroy: who reads it must not see a broken stream because of a stranger that holds it open.
      for (const stream of [child.stdout, child.stderr]) {
        if (!stream.readableEnded && !stream.destroyed) {
          stream.push(null);
        }
      }
    },
  };
}

/** Who cannot be started is told as a sentence: some causes come as an event later, some are thrown here. */
export function spawnIt(
  { name, command, args, env, cwd, isBackground }: ProgramLine,
  stdio: readonly ['pipe', 'pipe', 'pipe'] | readonly Socket[],
): ChildProcess | string {
  try {
    // A process group of its own: a Ctrl-C that is meant for us is not its.
    const child = spawn(command, args, { cwd, env, stdio: [...stdio], detached: true });
    if (child.pid !== undefined) {
      putBehind(child.pid, isBackground ? NICER_IN_BACKGROUND : NICER);
    }
    return child;
  } catch (error) {
    // A NUL byte in an argument, or a list that is too long for the kernel.
    return `${name}: ${messageOf(error)}`;
  }
}

// A third of our share where both want the processor, and a tenth.
const NICER = 5;
const NICER_IN_BACKGROUND = 10;
const NICEST = 19;

/**
 * Ten programs at once, or an evaluation that takes every core, must not make a webhook or a heartbeat wait. Their
 * descendants inherit it.
 */
function putBehind(pid: number, by: number): void {
  try {
    setPriority(pid, Math.min(NICEST, getPriority() + by));
    // Where Linux shares the processor between sessions first, and each of ours is one, only this counts against us.
    writeFileSync(`/proc/${pid}/autogroup`, String(by));
  } catch {
    // It has ended already, or the system has none of it: then it runs like everything else.
  }
}

export function unstartable(message: string, events: ProgramEvents): Program {
  setImmediate(() => events.unstartable(message));
  return {
    pid: undefined,
    hasExited: true,
    stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
    stdout: Readable.from([]),
    stderr: Readable.from([]),
    bytesRead: () => 0,
    closeOutput: () => undefined,
  };
}

interface ChildWithSockets extends ChildProcessWithoutNullStreams {
  readonly stdout: Socket;
  readonly stderr: Socket;
}

function hasSockets(child: ChildProcess): child is ChildWithSockets {
  return child.stdin !== null && child.stdout instanceof Socket && child.stderr instanceof Socket;
}
