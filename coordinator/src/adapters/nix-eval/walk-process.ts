/** One Nix process that walks the flake from a position on, until its end, its death, or where it is told to stop. */
import { describeEnding } from '@argunix/shared/kit/run-process';
import { type AttributeSegments, isInside } from './attribute-order.ts';
import { type EvalEvent, toFoundJob } from './eval-events.ts';
import { type EvalProcessEnding, newMark, startEvalProcess } from './eval-process.ts';
import type { EvaluationRun } from './evaluation-run.ts';
import type { WatchedProcess } from './family-usage.ts';
import { jobsExpression, type WalkParameters } from './jobs-expression.ts';
import { nixArguments } from './nix-arguments.ts';
import { nixMessage } from './nix-message.ts';
import type { Position, WalkFindings } from './walk-findings.ts';

export type WalkStart = Pick<WalkParameters, 'after' | 'skip' | 'direction' | 'share'>;

export interface WalkHooks {
  /** True ends the process: everything from here on is known. */
  mayStopAt(path: AttributeSegments): boolean;
  finished(path: AttributeSegments): void;
  /** The process, to be stopped from outside. */
  started(process: WatchedProcess & { stop(): void }): void;
}

export type WalkOutcome =
  | { readonly kind: 'end' }
  /** By `mayStopAt`, by `stop()`, or with the evaluation. */
  | { readonly kind: 'stopped' }
  | Died;

export interface Died {
  readonly kind: 'died';
  readonly why: 'error' | 'memory' | 'crash';
  readonly message: string;
  /** Null when nothing had been begun since the last finished attribute. */
  readonly at: Position | null;
  /** Null when it died of the first it looked at. */
  readonly lastFinished: AttributeSegments | null;
  readonly hadBegun: boolean;
}

export async function walkProcess(
  run: EvaluationRun,
  start: WalkStart,
  findings: WalkFindings,
  hooks: WalkHooks,
): Promise<WalkOutcome> {
  const mark = newMark();
  const token = {};
  let current: Position | null = null;
  let lastFinished: AttributeSegments | null = null;
  let [hadBegun, hasEnded, isStopped, isOverMemory] = [false, false, false, false];

  function finish(): void {
    if (current !== null) {
      lastFinished = current.path;
      findings.tellFinished();
      hooks.finished(current.path);
      run.underWay.delete(token);
      current = null;
    }
  }
  function begin(position: Position): void {
    // A set is not finished by what it holds; anything else that said nothing is no job.
    if (current !== null && !isInside(position.path, current.path)) {
      finish();
    }
    hadBegun = true;
    current = position;
    run.underWay.set(token, position.path);
    if (hooks.mayStopAt(position.path)) {
      isStopped = true;
      evaluating.stop();
    }
  }
  function onEvent(event: EvalEvent, before: readonly string[]): void {
    if (isStopped || run.signal.aborted) {
      return;
    }
    for (const line of before.filter((text) => /^(?:evaluation )?warning: /.test(text))) {
      findings.warn(line);
    }
    switch (event.kind) {
      case 'begin':
        begin(event);
        return;
      case 'long':
        findings.tellBroken(event, 'Its name is longer than 500 bytes.');
        return;
      case 'deep':
        findings.tellBroken(event, 'It is nested more than 40 sets deep.');
        return;
      case 'end':
        finish();
        hasEnded = true;
        return;
      case 'name':
        return;
      case 'job':
      case 'caught':
      case 'odd':
        if (current !== null) {
          tellEnding(current, event);
        }
        finish();
    }
  }
  function tellEnding(at: Position, event: Extract<EvalEvent, { kind: 'job' | 'caught' | 'odd' }>): void {
    if (event.kind === 'caught') {
      findings.tellCaught(at);
      return;
    }
    const job = event.kind === 'job' ? toFoundJob(at.path, event.json) : `It ${event.text}.`;
    if (typeof job === 'string') {
      findings.tellBroken(at, job);
    } else {
      findings.tellJob(at, job);
    }
  }

  const expression = jobsExpression({ ...parametersOf(run), ...start, mark });
  const evaluating = startEvalProcess({
    command: run.space.wrap('nix', [
      'eval',
      ...nixArguments(run.request, run.space),
      '--expr',
      `${expression}.walk`,
    ]),
    ...{ mark, onEvent, signal: run.signal, deadlineMs: run.remainingMs() + 1_000 },
    room: () => run.batches.room(),
  });
  evaluating.stdin.end();
  const unwatch = run.memory.watch(evaluating, () => {
    isOverMemory = true;
    evaluating.stop();
  });
  hooks.started({
    get pid() {
      return evaluating.pid;
    },
    stop() {
      isStopped = true;
      evaluating.stop();
    },
  });
  const ended = await evaluating.ended;
  unwatch();
  run.underWay.delete(token);
  if (hasEnded) {
    return { kind: 'end' };
  }
  return isStopped || run.signal.aborted
    ? { kind: 'stopped' }
    : { kind: 'died', ...causeOf(ended, isOverMemory), at: current, lastFinished, hadBegun };
}

export function parametersOf(run: EvaluationRun): Pick<WalkParameters, 'flakeUrl' | 'systems' | 'kinds'> {
  return { flakeUrl: run.flakeUrl, systems: run.request.systems, kinds: run.request.attributes };
}

/** Why a process of an evaluation ended that nobody told to. */
export function causeOf(
  { ending, lastLines }: EvalProcessEnding,
  isOverMemory: boolean,
): { readonly why: 'error' | 'memory' | 'crash'; readonly message: string } {
  // By a person, or because what had started it is gone: whatever it said of that is not the flake's.
  if (ending.kind === 'signalled' && ['SIGHUP', 'SIGINT', 'SIGTERM'].includes(ending.signal)) {
    return { why: 'crash', message: `Nix ${describeEnding(ending)}` };
  }
  const said = nixMessage(lastLines);
  // 137: what bubblewrap makes of a SIGKILL inside, which is nobody's but the kernel's for want of memory.
  const isKilled =
    ending.kind === 'signalled'
      ? ending.signal === 'SIGKILL'
      : ending.kind === 'exited' && ending.code === 137;
  if (isOverMemory || isKilled || /^(?:out of memory|std::bad_alloc|Out of memory)/.test(said)) {
    return { why: 'memory', message: said };
  }
  if (said !== '') {
    return { why: 'error', message: said };
  }
  const last = lastLines.findLast((line) => line.trim() !== '') ?? '';
  return {
    why: 'crash',
    message: `Nix ${describeEnding(ending)}${last === '' ? '' : `: ${last.slice(0, 1_000)}`}`,
  };
}
