/**
 * The only door to other programs: an argument list (no shell), an environment that is listed whole, a deadline,
 * a signal, capped output, and an end to the last descendant. Whatever ends a process first is its ending;
 * what happens afterwards never overwrites it.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { getPriority, setPriority } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { plainText } from '../domain/plain-text.ts';
import { AppError, messageOf } from './app-error.ts';
import { capture } from './capture.ts';
import { systemClock } from './clock.ts';
import { descendantsOf, killAll, livingOf, type ProcessRecord, sendSignal } from './descendants.ts';
import { withOrphanSignal } from './orphan-signal.ts';

export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** All of it: nothing is inherited. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Between the polite signal and the kill. 10 s: what Nix was seen to need to end its builders. */
  readonly graceMs?: number;
  /** It computes for long: whoever answers people comes first (Linux and macOS). */
  readonly isBackground?: boolean;
  /** Sent to the process when this one dies in whatever way, kill -9 too (Linux, by setpriv). */
  readonly whenOrphaned?: 'TERM' | 'KILL';
}

export type ProcessEnding =
  | { readonly kind: 'exited'; readonly code: number }
  /** By a signal that was not ours: a crash, the OOM killer, a person. */
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'timed_out' }
  | { readonly kind: 'cancelled' }
  /** The program is missing or may not be run. */
  | { readonly kind: 'unstartable'; readonly message: string };

export interface RunningProcess {
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Ends it as if its signal had aborted. */
  stop(): void;
  /** Resolves once, when it and its descendants are gone and its output was read; never rejects. */
  readonly ended: Promise<ProcessEnding>;
}

// A descendant that keeps the pipe open must not hold us: a pipe that stays silent this long is closed.
const DRAIN_MS = 1_000;
// setTimeout takes 32 bits; a longer wait would fire at once.
const MAX_TIMER_MS = 2 ** 31 - 1;
// A process in the kernel's hands (a hung disk) does not die of SIGKILL; nobody waits for it longer than this.
const BURIAL_MS = 5_000;
const BURIAL_STEP_MS = 20;

type Cause = 'timed_out' | 'cancelled';

export function startProcess(options: ProcessOptions): RunningProcess {
  const child = spawnChild(options);
  return typeof child === 'string' ? unstartable(child) : supervise(child, options);
}

function supervise(child: ChildWithSockets, options: ProcessOptions): RunningProcess {
  const { promise: ended, resolve } = Promise.withResolvers<ProcessEnding>();
  const family = new Map<number, ProcessRecord>();
  let cause: Cause | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  let drainTimer: NodeJS.Timeout | undefined;

  function end(why: Cause): void {
    if (child.exitCode !== null || child.signalCode !== null) {
      closeOutput();
    } else if (cause === undefined && child.pid !== undefined) {
      cause = why;
      rememberFamily();
      sendSignal(child.pid, 'SIGTERM');
      killTimer = setTimeout(kill, options.graceMs ?? 10_000);
    }
  }
  function rememberFamily(): void {
    for (const record of child.pid === undefined
      ? []
      : descendantsOf([child.pid, ...livingOf(family.values()).map(({ pid }) => pid)])) {
      family.set(record.pid, record);
    }
  }
  function kill(): void {
    rememberFamily();
    killGroup();
    killAll(family.values());
  }
  function killGroup(): void {
    if (child.pid !== undefined) {
      sendSignal(-child.pid, 'SIGKILL');
    }
  }
  function drain(): void {
    const before = child.stdout.bytesRead + child.stderr.bytesRead;
    drainTimer = setTimeout(() => {
      const hasMoved = child.stdout.bytesRead + child.stderr.bytesRead !== before;
      if (hasMoved || isHeldBack(child.stdout) || isHeldBack(child.stderr)) {
        drain();
      } else {
        closeOutput();
      }
    }, DRAIN_MS);
  }
  function closeOutput(): void {
    // An end, not a destroy: who reads it must not see a broken stream because of a stranger that holds it open.
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream.readableEnded && !stream.destroyed) {
        stream.push(null);
      }
    }
  }
  const onAbort = (): void => end('cancelled');
  const deadline = setTimeout(() => end('timed_out'), Math.min(options.deadlineMs, MAX_TIMER_MS));
  function settle(ending: ProcessEnding): void {
    for (const timer of [deadline, killTimer, drainTimer]) {
      clearTimeout(timer);
    }
    options.signal?.removeEventListener('abort', onAbort);
    resolve(ending);
  }

  child.on('error', (error) => {
    if (child.pid === undefined) {
      settle({ kind: 'unstartable', message: `${options.command}: ${error.message}` });
    }
  });
  child.on('exit', () => {
    if (cause === undefined) {
      killGroup();
    } else {
      kill();
    }
    drain();
  });
  child.on('close', (code, signal) => {
    void bury(family).then(() => settle(toEnding(cause, code, signal)));
  });
  // A program that ends before it read its input is seen by its ending, not by a broken pipe of ours.
  child.stdin.on('error', () => undefined);
  if (options.signal?.aborted === true) {
    onAbort();
  } else {
    options.signal?.addEventListener('abort', onAbort, { once: true });
  }
  return {
    pid: child.pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    stop: onAbort,
    ended,
  };
}

/** Who cannot be started is told as a sentence: some causes come as an event later, some are thrown here. */
function spawnChild(options: ProcessOptions): ChildWithSockets | string {
  const line =
    options.whenOrphaned === undefined || process.platform !== 'linux'
      ? options
      : withOrphanSignal(
          options,
          options.whenOrphaned,
          options.env['PATH'] ?? '/usr/bin:/bin',
          options.cwd ?? process.cwd(),
        );
  if (line === undefined) {
    return `${options.command}: no such program, or no setpriv`;
  }
  try {
    const child = spawn(line.command, line.args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true, // a process group of its own: a Ctrl-C meant for us is not its
    });
    if (hasSockets(child)) {
      if (options.isBackground === true && child.pid !== undefined) {
        putBehind(child.pid);
      }
      return child;
    }
    // Out of file descriptors: Node makes no pipes and tells the error to who listens.
    child.on('error', () => undefined);
    return `${options.command}: out of file descriptors`;
  } catch (error) {
    // A NUL byte in an argument, or a list that is too long for the kernel.
    return `${options.command}: ${messageOf(error)}`;
  }
}

// A tenth of our share where both want the processor.
const NICER_BY = 10;
const NICEST = 19;

/** An evaluation that takes every core must not make a webhook or a heartbeat wait. Its descendants inherit it. */
function putBehind(pid: number): void {
  try {
    setPriority(pid, Math.min(NICEST, getPriority() + NICER_BY));
    // Where Linux shares the processor between sessions first, and each of ours is one, only this counts against us.
    writeFileSync(`/proc/${pid}/autogroup`, String(NICER_BY));
  } catch {
    // It has ended already, or the system has none of it: then it runs like everything else.
  }
}

export interface FinishedProcess {
  readonly ending: ProcessEnding;
  readonly stdout: string;
  /** Its last part when it was longer than the cap. */
  readonly stderr: string;
  readonly isTruncated: boolean;
}

export interface CapturedOptions extends ProcessOptions {
  readonly input?: string;
  /** Of each of stdout and stderr. */
  readonly maxOutputBytes?: number;
}

/** Runs a program to its end and keeps what it says. */
export async function runProcess(options: CapturedOptions): Promise<FinishedProcess> {
  const running = startProcess(options);
  const maxBytes = options.maxOutputBytes ?? 16 * 1024 * 1024;
  const stdout = capture(running.stdout, maxBytes, 'head');
  const stderr = capture(running.stderr, Math.min(maxBytes, 256 * 1024), 'tail');
  running.stdin.end(options.input ?? '');
  const ending = await running.ended;
  return { ending, stdout: stdout.text(), stderr: stderr.text(), isTruncated: stdout.isTruncated() };
}

/** The output of a program that ended with 0; anything else is thrown as `process.failed` or `process.timed-out`. */
export async function outputOf(options: CapturedOptions): Promise<string> {
  const finished = await runProcess(options);
  const { ending } = finished;
  if (ending.kind === 'exited' && ending.code === 0 && !finished.isTruncated) {
    return finished.stdout;
  }
  const said = plainText(finished.stderr).trim().split('\n').slice(-5).join('\n');
  throw new AppError(
    ending.kind === 'timed_out' ? 'process.timed-out' : 'process.failed',
    `${options.command} ${describeEnding(ending)}${finished.isTruncated ? ' and said too much' : ''}${said === '' ? '' : `: ${said}`}`,
    { command: options.command, ending },
  );
}

export function describeEnding(ending: ProcessEnding): string {
  switch (ending.kind) {
    case 'exited':
      return `ended with code ${ending.code}`;
    case 'signalled':
      return `was killed by ${ending.signal}`;
    case 'timed_out':
      return 'took too long and was ended';
    case 'cancelled':
      return 'was cancelled';
    case 'unstartable':
      return `could not be started (${ending.message})`;
  }
}

/** Waits until everyone in it is gone, killing what was born in between. */
async function bury(family: ReadonlyMap<number, ProcessRecord>): Promise<void> {
  for (let waitedMs = 0; waitedMs < BURIAL_MS; waitedMs += BURIAL_STEP_MS) {
    const living = livingOf(family.values());
    if (living.length === 0) {
      return;
    }
    killAll([...living, ...descendantsOf(living.map(({ pid }) => pid))]);
    await systemClock.sleep(BURIAL_STEP_MS);
  }
}

interface ChildWithSockets extends ChildProcessWithoutNullStreams {
  readonly stdout: Socket;
  readonly stderr: Socket;
}

function hasSockets(child: ChildProcess): child is ChildWithSockets {
  return child.stdin !== null && child.stdout instanceof Socket && child.stderr instanceof Socket;
}

/** Its reader has not taken all that was read for it. */
function isHeldBack(stream: Readable): boolean {
  return stream.readableLength > 0;
}

function unstartable(message: string): RunningProcess {
  return {
    pid: undefined,
    stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
    stdout: Readable.from([]),
    stderr: Readable.from([]),
    stop: () => undefined,
    ended: Promise.resolve({ kind: 'unstartable', message }),
  };
}

function toEnding(
  cause: Cause | undefined,
  code: number | null,
  signal: NodeJS.Signals | null,
): ProcessEnding {
  if (cause !== undefined) {
    return { kind: cause };
  }
  return signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'signalled', signal };
}
