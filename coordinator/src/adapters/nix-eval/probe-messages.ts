/**
 * Nix's own messages for attributes that do not evaluate. One alone takes a process; many are asked of one
 * `nix repl`, which goes on after an error. The repl is impure, so it runs restricted: flake code in it reads no path
 * and no environment that pure evaluation would deny. Where it says something else than pure evaluation would, the
 * attribute is evaluated alone, for so many as is reasonable.
 */
import type { AttributeSegments } from './attribute-order.ts';
import { type EvalProcess, type EvalProcessEnding, newMark, startEvalProcess } from './eval-process.ts';
import type { EvaluationRun } from './evaluation-run.ts';
import { jobsExpression, nixStrings } from './jobs-expression.ts';
import { nixArguments } from './nix-arguments.ts';
import { nixMessage } from './nix-message.ts';
import { causeOf, parametersOf } from './walk-process.ts';

export interface Probed {
  readonly path: AttributeSegments;
  /** Empty: it evaluates. */
  readonly message: string;
}

// Each costs a start of Nix and a load of the flake: a fraction of a second for most, seconds for the largest.
const MAX_ALONE = 20;
const ALONE_AT_ONCE = 3;
// A stack overflow of an old Nix ends the repl too.
const MAX_REPLS = 30;

/** Told one by one, each path once. */
export async function probeMessages(
  run: EvaluationRun,
  paths: readonly AttributeSegments[],
  tell: (probed: Probed) => void,
): Promise<void> {
  let left = paths;
  if (paths.length > ALONE_AT_ONCE) {
    const unclear: AttributeSegments[] = [];
    await probeInRepl(run, paths, (probed) => {
      if (probed.message === '' || probed.message.includes('restricted mode')) {
        unclear.push(probed.path);
      } else {
        tell(probed);
      }
    });
    left = unclear;
  }
  for (const [i, path] of left.entries()) {
    if (run.signal.aborted) {
      return;
    }
    const message = i < MAX_ALONE ? await probeAlone(run, path) : '';
    tell({
      path,
      message: message === '' ? 'It does not evaluate; nix eval of this attribute says why.' : message,
    });
  }
}

async function probeAlone(run: EvaluationRun, path: AttributeSegments): Promise<string> {
  const mark = newMark();
  const evaluating = startEvalProcess({
    command: run.space.wrap('nix', [
      ...['eval', ...nixArguments(run.request, run.space), '--expr'],
      `${expressionFor(run, mark)}.probe ${nixStrings(path)}`,
    ]),
    ...{ mark, signal: run.signal, deadlineMs: run.remainingMs() + 1_000 },
    onEvent: () => undefined,
    room: () => run.batches.room(),
  });
  evaluating.stdin.end();
  const { lastLines } = await watched(run, evaluating);
  return nixMessage(lastLines);
}

/** Everything in the set at `container` that `isAsked`, evaluated one by one; only what fails is told. */
export async function surveySet(
  run: EvaluationRun,
  container: AttributeSegments,
  isAsked: (path: AttributeSegments) => boolean,
  tell: (probed: Probed) => void,
): Promise<void> {
  const names: string[] = [];
  await repl(run, [`argunix.list ${nixStrings(container)}`], {
    onName: (name) => names.push(name),
    onAnswer: () => undefined,
  });
  const paths = names.map((name) => [...container, name]).filter(isAsked);
  await probeInRepl(run, paths, (probed) => {
    if (probed.message !== '' && !probed.message.includes('restricted mode')) {
      tell(probed);
    }
  });
}

async function probeInRepl(
  run: EvaluationRun,
  paths: readonly AttributeSegments[],
  tell: (probed: Probed) => void,
): Promise<void> {
  let done = 0;
  for (let i = 0; i < MAX_REPLS && done < paths.length && !run.signal.aborted; i += 1) {
    const asked = paths.slice(done);
    const last = await repl(
      run,
      asked.map((path) => `builtins.seq (argunix.probe ${nixStrings(path)}) null`),
      {
        onName: () => undefined,
        onAnswer(index, message) {
          tell({ path: asked[index] ?? [], message });
          done += 1;
        },
      },
    );
    const fatal = paths[done];
    if (last !== undefined && fatal !== undefined) {
      tell({ path: fatal, message: last });
      done += 1;
    }
  }
  for (const path of run.signal.aborted ? [] : paths.slice(done)) {
    tell({ path, message: '' });
  }
}

interface ReplAnswers {
  onName(name: string): void;
  onAnswer(index: number, message: string): void;
}

/** Asks one after the other. Undefined when all were answered; else why the repl died. */
async function repl(
  run: EvaluationRun,
  questions: readonly string[],
  answers: ReplAnswers,
): Promise<string | undefined> {
  const mark = newMark();
  let answered = -1;
  const asking = startEvalProcess({
    command: run.space.wrap('nix', [
      ...['repl', ...nixArguments(run.request, run.space)],
      ...['--option', 'restrict-eval', 'true'],
    ]),
    ...{ mark, signal: run.signal, deadlineMs: run.remainingMs() + 1_000 },
    onEvent(event, before) {
      if (event.kind === 'name') {
        answers.onName(event.text);
      } else if (event.kind === 'end') {
        if (answered >= 0) {
          answers.onAnswer(answered, nixMessage(before));
        }
        answered += 1;
      }
    },
    room: () => run.batches.room(),
  });
  const closing = `builtins.trace "${mark} end" null`;
  asking.stdin.end(
    [
      `argunix = ${expressionFor(run, mark)}`,
      closing,
      ...questions.flatMap((question) => [question, closing]),
      '',
    ].join('\n'),
  );
  const ended = await watched(run, asking);
  return answered >= questions.length ? undefined : causeOf(ended, false).message;
}

async function watched(run: EvaluationRun, process: EvalProcess): Promise<EvalProcessEnding> {
  const unwatch = run.memory.watch(process, () => process.stop());
  const ended = await process.ended;
  unwatch();
  return ended;
}

function expressionFor(run: EvaluationRun, mark: string): string {
  return jobsExpression({
    ...parametersOf(run),
    ...{ mark, after: null, skip: [], direction: 'forward', share: { index: 0, count: 1 } },
  });
}
