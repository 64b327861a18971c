/** What the processes of one evaluation found together: each attribute is told once, whoever comes upon it. */
import { attributePath } from '@argunix/shared/domain/attribute-path';
import type { FoundJob } from '../../ports/evaluator.ts';
import { type AttributeSegments, createAttributeOrder } from './attribute-order.ts';
import type { EvaluationRun } from './evaluation-run.ts';

export interface Position {
  readonly path: AttributeSegments;
  readonly pathText: string;
}

export interface WalkFindings {
  readonly order: (left: AttributeSegments, right: AttributeSegments) => number;
  readonly finishedCount: number;
  /** They throw what tryEval holds; their messages are to be asked for. */
  readonly caught: readonly AttributeSegments[];
  readonly warnings: readonly string[];
  tellJob(at: Position, job: FoundJob): void;
  tellCaught(at: Position): void;
  tellBroken(at: Position, message: string): void;
  tellFinished(): void;
  warn(text: string): void;
  /** What the next process behind `after` need not look at, because it would die of it. */
  skipBehind(after: AttributeSegments | null): readonly string[];
}

// An argument of a program may hold 128 KiB, and some 8 are the expression's.
const MAX_SKIP_LENGTH = 60_000;
const MAX_WARNINGS = 20;
const MAX_WARNING_LENGTH = 500;
// Of the host, not of the flake: an empty network, settings that a daemon keeps to itself, a store that others use too.
const EXPECTED_WARNING =
  /you don't have Internet access|ignoring the (?:user|client)-specified setting|SQLite database .* is busy/;

/** `seen`: what was told before, by their escaped paths. */
export function createWalkFindings(run: EvaluationRun, seen: Set<string>): WalkFindings {
  const order = createAttributeOrder(run.request.attributes);
  const caught: AttributeSegments[] = [];
  const warnings = new Set<string>();
  const deadly = new Map<string, AttributeSegments>();
  let finishedCount = 0;

  function isNew(pathText: string): boolean {
    return seen.size < seen.add(pathText).size;
  }

  return {
    ...{ order, caught },
    get finishedCount() {
      return finishedCount;
    },
    get warnings() {
      return [...warnings];
    },
    tellJob({ pathText }, job) {
      if (isNew(pathText)) {
        run.batches.add(job);
      }
    },
    tellCaught({ path, pathText }) {
      if (isNew(pathText)) {
        caught.push(path);
      }
    },
    tellBroken({ path, pathText }, message) {
      deadly.set(pathText, path);
      if (isNew(pathText)) {
        run.batches.add({ kind: 'broken', attr: attributePath(path), system: systemOf(path), message });
      }
    },
    tellFinished() {
      finishedCount += 1;
    },
    warn(text) {
      const warning = text.slice(0, MAX_WARNING_LENGTH);
      if (warnings.size < MAX_WARNINGS && !EXPECTED_WARNING.test(warning)) {
        warnings.add(warning);
      }
    },
    skipBehind(after) {
      let length = 0;
      return [...deadly]
        .filter(([, path]) => after === null || order(path, after) > 0)
        .toSorted(([, left], [, right]) => order(left, right))
        .map(([pathText]) => pathText)
        .filter((pathText) => {
          length += pathText.length + 10;
          return length < MAX_SKIP_LENGTH;
        });
    },
  };
}

/** As far as the path tells: `packages.x86_64-linux.hello`. */
export function systemOf(path: AttributeSegments): string | null {
  return ['packages', 'checks', 'devShells', 'formatter'].includes(path[0] ?? '') ? (path[1] ?? null) : null;
}
