/**
 * Evaluates by nix-eval-jobs, which walks the same tree with as many processes as there are workers. Up to 2.33 a
 * process of it that dies ends the whole run without a word on which attribute it was; and so does ours when it needs
 * too much memory. What is left then is walked by plain Nix, which names the culprit and goes on behind it.
 */
import { attributePath } from '@argunix/shared/domain/attribute-path';
import { describeEnding, startProcess } from '@argunix/shared/kit/run-process';
import type { EvaluationEnding, Evaluator } from '../../ports/evaluator.ts';
import { createBoundedLines } from './bounded-lines.ts';
import { walkFlake } from './built-in-evaluator.ts';
import { escapePath } from './eval-events.ts';
import { type EvaluationRun, runEvaluation } from './evaluation-run.ts';
import type { EvaluationSpaces } from './evaluation-space.ts';
import { jobsExpression } from './jobs-expression.ts';
import { isHostTrouble, judgeFailure } from './judge-failure.ts';
import { nixSettings } from './nix-arguments.ts';
import { parseNixEvalJobsLine } from './nix-eval-jobs-line.ts';
import { nixMessage } from './nix-message.ts';
import { systemOf } from './walk-findings.ts';

const MIB = 1_024 * 1_024;
const MAX_LINE_BYTES = 512 * 1_024;
const MAX_KEPT_LINES = 500;
// A process of it that the kernel or a limit ended, as the line of an attribute.
const WORKER_LOST = /evaluation worker (?:got )?killed|maybe memory limit reached/;

export function createNixEvalJobsEvaluator(spaces: EvaluationSpaces, identity: string): Evaluator {
  return {
    name: 'nix-eval-jobs',
    identity,
    evaluate: (request, onFound, signal) => runEvaluation(spaces, request, onFound, signal, walkTree),
  };
}

async function walkTree(run: EvaluationRun): Promise<EvaluationEnding> {
  const seen = new Set<string>();
  const outcome = await readJobs(run, seen);
  if (outcome.kind === 'complete' || run.signal.aborted) {
    return { kind: 'complete', warnings: outcome.warnings };
  }
  if (outcome.kind === 'failed') {
    return judgeFailure(outcome.message, run.request, run.space);
  }
  if (isHostTrouble(outcome.message)) {
    return judgeFailure(outcome.message, run.request, run.space);
  }
  return await walkFlake(run, seen);
}

type Reading =
  | { readonly kind: 'complete'; readonly warnings: readonly string[] }
  /** Of the whole flake. */
  | { readonly kind: 'failed'; readonly message: string; readonly warnings: readonly string[] }
  | { readonly kind: 'died'; readonly message: string; readonly warnings: readonly string[] };

async function readJobs(run: EvaluationRun, seen: Set<string>): Promise<Reading> {
  const running = startProcess({
    ...run.space.wrap('nix-eval-jobs', nixEvalJobsArguments(run)),
    signal: run.signal,
    deadlineMs: run.remainingMs() + 1_000,
    graceMs: 1_000,
    whenOrphaned: 'KILL',
    isBackground: true,
  });
  running.stdin.end();
  const unwatch = run.memory.watch(running, () => running.stop());
  const said = keepLast(running.stderr);
  let failure: string | undefined;
  let hasFatal = false;

  function take(text: string): void {
    const line = parseNixEvalJobsLine(text);
    if (line.kind === 'other') {
      return;
    }
    if (line.path.length === 0 && line.kind === 'broken') {
      failure = line.message;
      return;
    }
    hasFatal ||= line.kind === 'broken' && line.isFatal;
    if (line.kind === 'broken' && WORKER_LOST.test(line.message)) {
      // Whatever it says of this attribute: plain Nix finds out whether it is to blame, and for what.
      hasFatal = true;
      return;
    }
    seen.add(escapePath(line.path));
    run.batches.add(
      line.kind === 'job'
        ? line.job
        : {
            kind: 'broken',
            attr: attributePath(line.path),
            system: systemOf(line.path),
            message: line.message,
          },
    );
  }

  const lines = createBoundedLines(MAX_LINE_BYTES);
  for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
    for (const line of lines.push(chunk)) {
      take(line);
    }
    await run.batches.room();
  }
  const ending = await running.ended;
  unwatch();
  const warnings = said()
    .filter((line) => /^(?:evaluation )?warning: /.test(line))
    .slice(0, 20);
  const isGood = ending.kind === 'exited' && ending.code === 0 && !hasFatal;
  if (failure !== undefined) {
    return { kind: 'failed', message: failure, warnings };
  }
  return isGood
    ? { kind: 'complete', warnings }
    : { kind: 'died', message: nixMessage(said()) || `nix-eval-jobs ${describeEnding(ending)}`, warnings };
}

/** Flags that every version since 2.18 has. */
function nixEvalJobsArguments(run: EvaluationRun): readonly string[] {
  const { request, space } = run;
  const workers = Math.max(1, request.workers);
  const expression = jobsExpression({
    ...{ flakeUrl: run.flakeUrl, systems: request.systems, kinds: request.attributes, mark: '' },
    ...{ after: null, skip: [], direction: 'forward', share: { index: 0, count: 1 } },
  });
  return [
    ...[...nixSettings(request, space), ['pure-eval', 'true'] as const].flatMap(([name, value]) => [
      ...['--option', name, value],
    ]),
    ...['--workers', String(workers)],
    ...['--max-memory-size', String(Math.max(256, Math.floor(request.memoryBytes / MIB / workers)))],
    ...['--meta', '--expr', `${expression}.tree`],
  ];
}

function keepLast(stream: NodeJS.ReadableStream): () => readonly string[] {
  const lines = createBoundedLines(64 * 1_024);
  let kept: string[] = [];
  stream.on('data', (chunk: Buffer) => {
    kept = [...kept, ...lines.push(chunk)].slice(-MAX_KEPT_LINES);
  });
  return () => kept;
}
