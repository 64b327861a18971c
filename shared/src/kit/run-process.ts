/**
 * The only door to other programs: an argument list (no shell), an environment that is listed whole, a deadline,
 * a signal, capped output, and an end to the last descendant. Whatever ends a process first is its ending;
 * what happens afterwards never overwrites it.
 */
import type { Readable, Writable } from 'node:stream';
import { plainText } from '../domain/plain-text.ts';
import { AppError } from './app-error.ts';
import { capture } from './capture.ts';
import { systemClock } from './clock.ts';
import {
  familyOf,
  findDescendants,
  killAll,
  livingOf,
  type ProcessRecord,
  recordsOf,
  sendSignal,
} from './descendants.ts';
import { withOrphanSignal } from './orphan-signal.ts';
import { type Program, type ProgramEvents, starter, startHere, unstartable } from './start-program.ts';

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
  /** It computes for long: other programs come before it, as we come before all (Linux and macOS). */
  readonly isBackground?: boolean;
  /** Sent to the process when this one dies in whatever way, kill -9 too (Linux, by setpriv). */
  readonly whenOrphaned?: 'TERM' | 'KILL';
  /** It tells somebody whose child it is: never started by another process for us. */
  readonly isOwnChild?: boolean;
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
  /** Undefined until it runs: before it says anything. */
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
  const { promise: ended, resolve } = Promise.withResolvers<ProcessEnding>();
  const family = new Map<number, ProcessRecord>();
  let cause: Cause | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  let drainTimer: NodeJS.Timeout | undefined;
  let strays = Promise.resolve();

  function end(why: Cause): void {
    if (child.hasExited) {
      child.closeOutput();
    } else if (cause === undefined) {
      cause = why;
      askToEnd();
    }
  }
  /** Once: a second SIGTERM makes many a program skip its clean-up. */
  function askToEnd(): void {
    if (child.pid !== undefined && killTimer === undefined) {
      rememberFamily();
      const roots = rootsOfFamily();
      sendSignal(child.pid, 'SIGTERM');
      lookForStrays(roots, () => undefined);
      killTimer = setTimeout(kill, options.graceMs ?? 10_000);
    }
  }
  /** Those whose parents live are found at once: a moment later they may be nobody's children any more. */
  function rememberFamily(): void {
    for (const root of rootsOfFamily()) {
      remember(recordsOf(familyOf(root).slice(1)));
    }
  }
  function rootsOfFamily(): readonly number[] {
    return child.pid === undefined ? [] : [child.pid, ...livingOf(family.values()).map(({ pid }) => pid)];
  }
  function remember(records: readonly ProcessRecord[]): void {
    for (const record of records) {
      family.set(record.pid, record);
    }
  }
  function kill(): void {
    rememberFamily();
    const roots = rootsOfFamily();
    killGroup();
    killAll(family.values());
    lookForStrays(roots, () => killAll(family.values()));
  }
  /** Whose parents have ended before them are in a session of one of `roots`, which may be gone by now, too. */
  function lookForStrays(roots: readonly number[], then: () => void): void {
    strays = strays.then(async () => {
      remember(await findDescendants(roots));
      then();
    });
  }
  function killGroup(): void {
    if (child.pid !== undefined) {
      sendSignal(-child.pid, 'SIGKILL');
    }
  }
  function drain(): void {
    const before = child.bytesRead();
    drainTimer = setTimeout(() => {
      if (child.bytesRead() !== before || isHeldBack(child.stdout) || isHeldBack(child.stderr)) {
        drain();
      } else {
        child.closeOutput();
      }
    }, DRAIN_MS);
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

  const child = start(options, {
    started: () => {
      // It may have been ended before it began.
      if (cause !== undefined) {
        askToEnd();
      }
    },
    unstartable: (message) => settle({ kind: 'unstartable', message }),
    exited: () => {
      if (cause === undefined) {
        killGroup();
      } else {
        kill();
      }
      drain();
    },
    closed: (code, signal) => {
      void strays.then(() => bury(family)).then(() => settle(toEnding(cause, code, signal)));
    },
  });
  if (options.signal?.aborted === true) {
    onAbort();
  } else {
    options.signal?.addEventListener('abort', onAbort, { once: true });
  }
  return {
    get pid() {
      return child.pid;
    },
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    stop: onAbort,
    ended,
  };
}

function start(options: ProcessOptions, events: ProgramEvents): Program {
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
    return unstartable(`${options.command}: no such program, or no setpriv`, events);
  }
  const { env, cwd, isBackground = false } = options;
  const by = options.isOwnChild === true ? startHere : starter();
  return by(
    { name: options.command, command: line.command, args: line.args, env, cwd, isBackground },
    events,
  );
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
    killAll([...living, ...(await findDescendants(living.map(({ pid }) => pid)))]);
    await systemClock.sleep(BURIAL_STEP_MS);
  }
}

/** Its reader has not taken all that was read for it. */
function isHeldBack(stream: Readable): boolean {
  return stream.readableLength > 0;
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
