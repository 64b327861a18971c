/**
 * Evaluates with nothing but `nix`. One process walks the flake from its beginning. An attribute that ends it is
 * broken, and the next process goes on behind it. Where evaluating is what takes the time, further processes walk from
 * the end towards it (each its share of the names) until they meet: a flake that is evaluated in two seconds never
 * pays for a second process, and nothing has to be divided before it is known how much there is.
 */
import { attributePath } from '@argunix/shared/domain/attribute-path';
import type { EvaluationEnding, Evaluator } from '../../ports/evaluator.ts';
import { type AttributeSegments, createAttributeOrder } from './attribute-order.ts';
import { escapePath } from './eval-events.ts';
import { type EvaluationRun, isHostTrouble, judgeFailure, runEvaluation } from './evaluation-run.ts';
import type { EvaluationSpaces } from './evaluation-space.ts';
import { tooLargeText } from './memory-text.ts';
import { probeMessages, surveySet } from './probe-messages.ts';
import { type Position, systemOf, type WalkOutcome, type WalkStart, walkProcess } from './walk-process.ts';

// Storing derivations is one at a time, whoever asks: beside a process that finds this many, a second gains nothing.
const BUSY_PER_SECOND = 500;
const HELP_EVERY_MS = 2_000;
// A process costs a load of the flake. What is broken beyond this is asked for in one repl before the next start.
const DEATHS_BEFORE_SURVEY = 4;
// Each death makes progress by one attribute at least; this is for flakes that make a sport of it.
const MAX_DEATHS = 100;
// An argument may hold 128 KiB, and some 8 are the expression's.
const MAX_SKIP_LENGTH = 60_000;
const MAX_WARNINGS = 20;

export function createBuiltInEvaluator(spaces: EvaluationSpaces): Evaluator {
  return {
    name: 'built-in',
    evaluate: (request, onFound, signal) => runEvaluation(spaces, request, onFound, signal, walkFlake),
  };
}

async function walkFlake(run: EvaluationRun): Promise<EvaluationEnding> {
  const order = createAttributeOrder(run.request.attributes);
  const seen = new Set<string>();
  const caught: AttributeSegments[] = [];
  const warnings = new Set<string>();
  const known = new Map<string, AttributeSegments>();
  const tooLarge: AttributeSegments[] = [];
  const helpers: Helper[] = [];
  let finishedCount = 0;
  let deaths = 0;

  const findings = {
    isNew: (pathText: string): boolean => seen.size < seen.add(pathText).size,
    caught: (path: AttributeSegments): void => void caught.push(path),
    warn: (text: string): void => void (warnings.size < MAX_WARNINGS && warnings.add(text.slice(0, 500))),
  };

  function tellBroken({ path, pathText }: Position, message: string): void {
    known.set(pathText, path);
    if (findings.isNew(pathText)) {
      run.batches.add({ kind: 'broken', attr: attributePath(path), system: systemOf(path), message });
    }
  }
  function skipFrom(after: AttributeSegments | null): readonly string[] {
    let length = 0;
    return [...known]
      .filter(([, path]) => after === null || order(path, after) > 0)
      .toSorted(([, left], [, right]) => order(left, right))
      .map(([pathText]) => pathText)
      .filter((pathText) => (length += pathText.length + 10) < MAX_SKIP_LENGTH);
  }
  /** Where to go on behind a death; undefined where it is no use. */
  function settleDeath(
    outcome: Died,
    isFirst: boolean,
    from: AttributeSegments | null,
  ): AttributeSegments | null | undefined {
    const { at, lastFinished, why, message } = outcome;
    if (at === null) {
      return lastFinished ?? undefined;
    }
    if (why === 'memory') {
      if (!isFirst) {
        return lastFinished ?? from;
      }
      tooLarge.push(at.path);
      tellBroken(at, tooLargeText(run.request.memoryBytes, at.path));
    } else {
      tellBroken(at, message);
    }
    return at.path;
  }

  async function walkForward(): Promise<EvaluationEnding | undefined> {
    const surveyed = new Set<string>();
    let after: AttributeSegments | null = null;
    for (;;) {
      let isFirst = true;
      const start: WalkStart = {
        after,
        skip: skipFrom(after),
        direction: 'forward',
        share: { index: 0, count: 1 },
      };
      const outcome: WalkOutcome = await walkProcess(run, start, findings, {
        mayStopAt: (path) =>
          helpers.length > 0 && helpers.every(({ reached }) => reached !== null && order(reached, path) <= 0),
        finished() {
          isFirst = false;
          finishedCount += 1;
        },
        started: () => undefined,
      });
      if (outcome.kind !== 'died') {
        return undefined;
      }
      deaths += 1;
      if (!outcome.hadBegun && outcome.why === 'memory') {
        return { kind: 'out_of_memory', reason: tooLargeText(run.request.memoryBytes, null) };
      }
      if (!outcome.hadBegun || isHostTrouble(outcome.message)) {
        return judgeFailure(outcome.message, run.request);
      }
      if (outcome.why === 'memory') {
        retireHelpers();
      }
      const next = settleDeath(outcome, isFirst, after);
      if (next === undefined || deaths > MAX_DEATHS) {
        return {
          kind: 'failed',
          reason: `The evaluation was given up after ${deaths} ends of Nix; the last: ${outcome.message}`,
        };
      }
      after = next;
      const container = after?.slice(0, -1) ?? [];
      const containerName = container.join('/');
      if (
        deaths >= DEATHS_BEFORE_SURVEY &&
        container.length > 0 &&
        !surveyed.has(containerName) &&
        outcome.why === 'error'
      ) {
        surveyed.add(containerName);
        await survey(container, after ?? []);
      }
    }
  }
  async function survey(container: AttributeSegments, after: AttributeSegments): Promise<void> {
    await surveySet(
      run,
      container,
      (path) => order(path, after) > 0,
      ({ path, message }) => tellBroken({ path, pathText: escapePath(path) }, message),
    );
  }

  function retireHelpers(): void {
    for (const helper of helpers) {
      helper.retire();
    }
  }
  async function walkBackward(helper: Helper, index: number, count: number): Promise<void> {
    for (let tries = 0; tries < DEATHS_BEFORE_SURVEY && !helper.isRetired(); tries += 1) {
      const after: AttributeSegments | null = helper.reached;
      const start: WalkStart = {
        after,
        skip: skipFrom(null),
        direction: 'backward',
        share: { index, count },
      };
      const outcome: WalkOutcome = await walkProcess(run, start, findings, {
        mayStopAt: () => false,
        finished: helper.finished,
        started: helper.holds,
      });
      if (outcome.kind === 'end') {
        helper.finished([]);
        return;
      }
      if (outcome.kind === 'stopped' || outcome.why !== 'error' || outcome.at === null) {
        return;
      }
      tellBroken(outcome.at, outcome.message);
      helper.finished(outcome.at.path);
    }
  }
  function startHelpers(): readonly Promise<void>[] {
    const count = run.request.workers - 1;
    return Array.from({ length: count }, (_, index) => {
      const helper = createHelper();
      helpers.push(helper);
      return walkBackward(helper, index, count);
    });
  }

  let helping: readonly Promise<void>[] = [];
  let countBefore = 0;
  const timer = setInterval(() => {
    const perSecond = ((finishedCount - countBefore) * 1_000) / HELP_EVERY_MS;
    countBefore = finishedCount;
    if (perSecond < BUSY_PER_SECOND && helpers.length === 0 && deaths === 0) {
      helping = startHelpers();
    }
  }, HELP_EVERY_MS);
  const failed = await walkForward();
  clearInterval(timer);
  retireHelpers();
  await Promise.all(helping);
  if (failed !== undefined) {
    return failed;
  }
  await probeMessages(run, caught, ({ path, message }) =>
    run.batches.add({ kind: 'broken', attr: attributePath(path), system: systemOf(path), message }),
  );
  const [largest] = tooLarge;
  return largest === undefined
    ? { kind: 'complete', warnings: [...warnings] }
    : {
        kind: 'out_of_memory',
        reason: tooLarge.map((path) => tooLargeText(run.request.memoryBytes, path)).join('\n'),
      };
}

type Died = Extract<WalkOutcome, { kind: 'died' }>;

interface Helper {
  /** Everything of its share from here to the end is done. */
  readonly reached: AttributeSegments | null;
  readonly finished: (path: AttributeSegments) => void;
  readonly holds: (process: { stop(): void }) => void;
  retire(): void;
  isRetired(): boolean;
}

function createHelper(): Helper {
  let reached: AttributeSegments | null = null;
  let isRetired = false;
  let process: { stop(): void } | undefined;
  return {
    get reached() {
      return reached;
    },
    finished: (path) => {
      reached = path;
    },
    holds: (started) => {
      process = started;
    },
    retire() {
      isRetired = true;
      process?.stop();
    },
    isRetired: () => isRetired,
  };
}
