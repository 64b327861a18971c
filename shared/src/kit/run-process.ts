/**
 * The only door to other programs: an argument list (no shell), an environment that is listed whole, a deadline,
 * a signal, capped output, and an end to the last descendant. Whatever ends a process first is its ending;
 * what happens afterwards never overwrites it.
 */
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { AppError } from './app-error.ts';
import { descendantsOf, killAll, type ProcessRecord, sendSignal } from './descendants.ts';

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

// A descendant that keeps the pipe open must not hold us: output that is not there by then is not waited for.
const DRAIN_MS = 1_000;

export function startProcess(options: ProcessOptions): RunningProcess {
  const [command, args] = withOrphanSignal(options);
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // a process group of its own: a Ctrl-C meant for us is not its
  });
  const { promise: ended, resolve } = Promise.withResolvers<ProcessEnding>();
  const family = new Map<number, ProcessRecord>();
  let cause: 'timed_out' | 'cancelled' | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  let drainTimer: NodeJS.Timeout | undefined;

  function end(why: 'timed_out' | 'cancelled'): void {
    if (
      cause !== undefined ||
      child.pid === undefined ||
      child.exitCode !== null ||
      child.signalCode !== null
    ) {
      return;
    }
    cause = why;
    rememberFamily();
    sendSignal(child.pid, 'SIGTERM');
    killTimer = setTimeout(kill, options.graceMs ?? 10_000);
  }
  function rememberFamily(): void {
    for (const record of child.pid === undefined ? [] : descendantsOf(child.pid)) {
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
  const onAbort = (): void => end('cancelled');
  const deadline = setTimeout(() => end('timed_out'), options.deadlineMs);
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
    killGroup();
    if (cause !== undefined) {
      killAll(family.values());
    }
    drainTimer = setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, DRAIN_MS);
  });
  child.on('close', (code, signal) => settle(toEnding(cause, code, signal)));
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
  const said = finished.stderr.trim().split('\n').slice(-5).join('\n');
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

function withOrphanSignal({
  command,
  args,
  whenOrphaned,
}: ProcessOptions): readonly [string, readonly string[]] {
  return whenOrphaned === undefined || process.platform !== 'linux'
    ? [command, args]
    : ['setpriv', ['--pdeathsig', whenOrphaned, '--', command, ...args]];
}

function toEnding(
  cause: 'timed_out' | 'cancelled' | undefined,
  code: number | null,
  signal: NodeJS.Signals | null,
): ProcessEnding {
  if (cause !== undefined) {
    return { kind: cause };
  }
  return signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'signalled', signal };
}

interface Capture {
  text(): string;
  isTruncated(): boolean;
}

function capture(stream: Readable, maxBytes: number, keep: 'head' | 'tail'): Capture {
  const chunks: Buffer[] = [];
  let size = 0;
  let isTruncated = false;
  stream.on('data', (chunk: Buffer) => {
    if (keep === 'head' && size + chunk.length > maxBytes) {
      isTruncated = true;
      return;
    }
    chunks.push(chunk);
    size += chunk.length;
    while (size > maxBytes && chunks.length > 1) {
      size -= chunks.shift()?.length ?? 0;
      isTruncated = true;
    }
  });
  return { text: () => Buffer.concat(chunks).toString('utf8'), isTruncated: () => isTruncated };
}
