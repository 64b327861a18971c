/** One Nix that evaluates and talks in marked lines, read no faster than it is taken. */
import { randomBytes } from 'node:crypto';
import { type ProcessEnding, type RunningProcess, startProcess } from '@argunix/shared/kit/run-process';
import { createBoundedLines } from './bounded-lines.ts';
import { type EvalEvent, parseEvalEvent } from './eval-events.ts';
import type { SpaceCommand } from './evaluation-space.ts';

export interface EvalProcess {
  readonly pid: number | undefined;
  readonly stdin: RunningProcess['stdin'];
  /** Ends it; what it says from then on is not told. */
  stop(): void;
  readonly ended: Promise<EvalProcessEnding>;
}

export interface EvalProcessEnding {
  readonly ending: ProcessEnding;
  /** What it said after its last marked line: the error, if there is one. */
  readonly lastLines: readonly string[];
}

export interface EvalProcessOptions {
  readonly command: SpaceCommand;
  readonly mark: string;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** `before`: what was said since the marked line before. */
  readonly onEvent: (event: EvalEvent, before: readonly string[]) => void;
  /** Awaited between reads. */
  readonly room: () => Promise<void>;
}

// A job's line is bounded by the expression to some tens of kB; a flake's own trace is let go beyond this.
const MAX_LINE_BYTES = 512 * 1_024;
// Of what is not ours: enough for the longest error with its source lines.
const MAX_KEPT_LINES = 2_000;
const MAX_KEPT_CHARACTERS = 512 * 1_024;

/** A flake can print anything, but not this. */
export function newMark(): string {
  return `argunix-${randomBytes(16).toString('hex')}`;
}

export function startEvalProcess(options: EvalProcessOptions): EvalProcess {
  const { command, mark, deadlineMs, signal, onEvent, room } = options;
  const running = startProcess({
    ...command,
    deadlineMs,
    signal,
    graceMs: 1_000,
    whenOrphaned: 'KILL',
    isBackground: true,
  });
  running.stdout.resume();
  let kept: string[] = [];
  let keptLength = 0;

  function take(line: string): void {
    const event = parseEvalEvent(line, mark);
    if (event !== undefined) {
      const before = kept;
      kept = [];
      keptLength = 0;
      onEvent(event, before);
      return;
    }
    kept.push(line);
    keptLength += line.length;
    while (kept.length > MAX_KEPT_LINES || (keptLength > MAX_KEPT_CHARACTERS && kept.length > 1)) {
      keptLength -= kept.shift()?.length ?? 0;
    }
  }
  async function readAll(): Promise<void> {
    const lines = createBoundedLines(MAX_LINE_BYTES);
    try {
      for await (const chunk of running.stderr as AsyncIterable<Buffer>) {
        for (const line of lines.push(chunk)) {
          take(line);
        }
        await room();
      }
    } catch {
      // The pipe was closed under us, as when a descendant outlived the process: its ending says the rest.
    }
    const rest = lines.rest();
    if (rest !== '') {
      take(rest);
    }
  }
  const read = readAll();

  return {
    get pid() {
      return running.pid;
    },
    stdin: running.stdin,
    stop: () => running.stop(),
    ended: Promise.all([running.ended, read]).then(([ending]) => ({ ending, lastLines: kept })),
  };
}
