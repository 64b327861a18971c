/**
 * From the first attribute to the last, however often Nix dies on the way: what it died of is broken, and the next
 * process goes on behind it. Every death makes progress, or is the end.
 */
import { attributePath } from '@argunix/shared/domain/attribute-path';
import { systemClock } from '@argunix/shared/kit/clock';
import type { EvaluationEnding } from '../../ports/evaluator.ts';
import type { AttributeSegments } from './attribute-order.ts';
import { escapePath } from './eval-events.ts';
import type { EvaluationRun } from './evaluation-run.ts';
import type { WatchedProcess } from './family-usage.ts';
import { explained, isHostTrouble, isNetworkTrouble, judgeFailure } from './judge-failure.ts';
import { tooLargeText } from './memory-text.ts';
import { surveySet } from './probe-messages.ts';
import type { WalkFindings } from './walk-findings.ts';
import { type Died, walkProcess } from './walk-process.ts';

// A process costs a load of the flake. After so many, one repl is asked what else in this set is broken.
const DEATHS_BEFORE_SURVEY = 4;
// For flakes that make a sport of it.
const MAX_DEATHS = 100;
// A download that fails is tried again before its attribute is broken; of all of them so often, as one host that is
// down may be named by many.
const MAX_NETWORK_TRIES = 2;
const NETWORK_PAUSE_MS = 1_000;

export interface ForwardWalk {
  readonly run: EvaluationRun;
  readonly findings: WalkFindings;
  /** Everything from here on is known already. */
  readonly mayStopAt: (path: AttributeSegments) => boolean;
  readonly onStart: (process: WatchedProcess) => void;
  readonly onDeath: (died: Died) => void;
}

/** Undefined when it came to the end, or was stopped with the evaluation. */
export async function walkForward(walk: ForwardWalk): Promise<EvaluationEnding | undefined> {
  const { run, findings } = walk;
  const surveyed = new Set<string>();
  const tooLarge: AttributeSegments[] = [];
  let after: AttributeSegments | null = null;
  let deaths = 0;
  let networkTries = 0;
  for (;;) {
    const outcome = await walkProcess(
      run,
      { after, skip: findings.skipBehind(after), direction: 'forward', share: { index: 0, count: 1 } },
      findings,
      { mayStopAt: walk.mayStopAt, finished: () => undefined, started: walk.onStart },
    );
    if (outcome.kind !== 'died') {
      return tooLargeEnding(run, tooLarge);
    }
    deaths += 1;
    walk.onDeath(outcome);
    if (!outcome.hadBegun && outcome.why === 'memory') {
      return { kind: 'out_of_memory', reason: tooLargeText(run.request.memoryBytes, null), attrs: [] };
    }
    if (!outcome.hadBegun || isHostTrouble(outcome.message)) {
      return judgeFailure(outcome.message, run.request, run.space);
    }
    if (networkTries < MAX_NETWORK_TRIES && isNetworkTrouble(outcome.message, run.request)) {
      networkTries += 1;
      after = outcome.lastFinished ?? after;
      await systemClock.sleep(NETWORK_PAUSE_MS, run.signal);
      continue;
    }
    const next = behind(outcome, after);
    if (next === undefined || deaths > MAX_DEATHS) {
      return { kind: 'failed', reason: `Nix ended ${deaths} times; the last: ${outcome.message}` };
    }
    after = next;
    if (outcome.at !== null && isToBlame(outcome)) {
      const isMemory = outcome.why === 'memory';
      tooLarge.push(...(isMemory ? [outcome.at.path] : []));
      findings.tellBroken(
        outcome.at,
        isMemory
          ? tooLargeText(run.request.memoryBytes, outcome.at.path)
          : explained(outcome.message, run.request, run.space),
      );
      const container = outcome.at.path.slice(0, -1);
      if (deaths >= DEATHS_BEFORE_SURVEY && outcome.why === 'error' && container.length > 0) {
        await surveyOnce(walk, surveyed, container, outcome.at.path);
      }
    }
  }
}

/** What came before may have filled the memory; an attribute is to blame when it was the first of its process. */
function isToBlame({ why, lastFinished }: Died): boolean {
  return why !== 'memory' || lastFinished === null;
}

/** Where the next process goes on; undefined where it would stand still. */
function behind(outcome: Died, before: AttributeSegments | null): AttributeSegments | null | undefined {
  if (outcome.at === null) {
    return outcome.lastFinished ?? undefined;
  }
  return isToBlame(outcome) ? outcome.at.path : (outcome.lastFinished ?? before);
}

async function surveyOnce(
  { run, findings }: ForwardWalk,
  surveyed: Set<string>,
  container: AttributeSegments,
  after: AttributeSegments,
): Promise<void> {
  const name = escapePath(container);
  if (!surveyed.has(name)) {
    surveyed.add(name);
    await surveySet(
      run,
      container,
      (path) => findings.order(path, after) > 0,
      ({ path, message }) => findings.tellBroken({ path, pathText: escapePath(path) }, message),
    );
  }
}

function tooLargeEnding(
  { request }: EvaluationRun,
  paths: readonly AttributeSegments[],
): EvaluationEnding | undefined {
  return paths.length === 0
    ? undefined
    : {
        kind: 'out_of_memory',
        reason: paths.map((path) => tooLargeText(request.memoryBytes, path)).join('\n'),
        attrs: paths.map((path) => attributePath(path)),
      };
}
