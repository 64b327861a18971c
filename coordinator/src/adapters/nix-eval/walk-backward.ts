/**
 * Further processes that walk from the last attribute towards the first walk, each with its share of the names, until
 * they meet it. They start late and only where evaluating is what takes the time: a flake that is done in two seconds
 * never pays for a second process, and nothing has to be divided before it is known how much there is. Storing
 * derivations is one at a time, whoever asks; there a second process only gets in the way.
 */
import type { AttributeSegments } from './attribute-order.ts';
import type { EvaluationRun } from './evaluation-run.ts';
import { familyBusyMs, type WatchedProcess } from './family-usage.ts';
import type { WalkFindings } from './walk-findings.ts';
import { walkProcess } from './walk-process.ts';

export interface HelpRule {
  readonly lookEveryMs: number;
  /** Of one core: how much of the time must be the evaluator's own work for a second process to pay. */
  readonly evaluatingShare: number;
}

export const USUAL_HELP: HelpRule = { lookEveryMs: 2_000, evaluatingShare: 0.6 };
// On trivial attributes one process finds 5,000 a second and is busy itself for a quarter of the time.
const STORE_BOUND_PER_SECOND = 500;
// An attribute that ends a helper is broken as any other; a helper that goes on dying helps no one.
const MAX_DEATHS = 3;

export interface Helpers {
  /** True when from here on everything was done by them. */
  haveDoneFrom(path: AttributeSegments): boolean;
  /** Whose time on the processor tells whether it pays to help. */
  watch(process: WatchedProcess): void;
  /** Stops them, and starts no more. */
  retire(): void;
  /** Resolves when their processes are gone. */
  close(): Promise<void>;
}

interface Helper {
  /** Everything of its share from here to the end is done. */
  reached: AttributeSegments | null;
  stop: () => void;
}

export function createHelpers(run: EvaluationRun, findings: WalkFindings, rule: HelpRule): Helpers {
  const { lookEveryMs, evaluatingShare } = rule;
  const count = run.request.workers - 1;
  const helpers: Helper[] = [];
  let walking: readonly Promise<void>[] = [];
  let isRetired = count < 1;
  let watched: WatchedProcess | undefined;
  let before = { finished: 0, busyMs: 0 };
  const timer = setInterval(look, lookEveryMs);

  function look(): void {
    const now = {
      finished: findings.finishedCount,
      busyMs: watched?.pid === undefined ? 0 : familyBusyMs(watched.pid),
    };
    const perSecond = ((now.finished - before.finished) * 1_000) / lookEveryMs;
    const share = (now.busyMs - before.busyMs) / lookEveryMs;
    before = now;
    if (!isRetired && helpers.length === 0 && perSecond < STORE_BOUND_PER_SECOND && share > evaluatingShare) {
      walking = Array.from({ length: count }, (_, index) => walkBackward(index));
    }
  }
  async function walkBackward(index: number): Promise<void> {
    const helper: Helper = { reached: null, stop: () => undefined };
    helpers.push(helper);
    for (let deaths = 0; deaths < MAX_DEATHS; deaths += 1) {
      const outcome = await walkProcess(
        run,
        {
          after: helper.reached,
          skip: findings.skipBehind(null),
          direction: 'backward',
          share: { index, count },
        },
        findings,
        {
          mayStopAt: () => false,
          finished(path) {
            helper.reached = path;
          },
          started(process) {
            helper.stop = () => process.stop();
          },
        },
      );
      if (outcome.kind === 'end') {
        helper.reached = [];
        return;
      }
      if (outcome.kind === 'stopped' || outcome.why !== 'error' || outcome.at === null) {
        return;
      }
      findings.tellBroken(outcome.at, outcome.message);
      if (isRetired) {
        return;
      }
      helper.reached = outcome.at.path;
    }
  }
  function retire(): void {
    isRetired = true;
    for (const { stop } of helpers) {
      stop();
    }
  }

  return {
    haveDoneFrom: (path) =>
      helpers.length > 0 &&
      helpers.every(({ reached }) => reached !== null && findings.order(reached, path) <= 0),
    watch(process) {
      watched = process;
      before = { finished: findings.finishedCount, busyMs: 0 };
    },
    retire,
    async close() {
      clearInterval(timer);
      retire();
      await Promise.all(walking);
    },
  };
}
