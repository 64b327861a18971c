import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import { AppError } from '@argunix/shared/kit/app-error';
import type { EvaluationEnding, Evaluator, Found } from '../../src/ports/evaluator.ts';
import type { Head } from '../../src/ports/repository-store.ts';
import type { SourceCheckout } from '../../src/ports/source-checkout.ts';

interface OpenEvaluation {
  readonly sha: string;
  readonly memoryBytes: number;
  find(found: readonly Found[]): Promise<void>;
  end(ending: EvaluationEnding): void;
}

/** An evaluator that finds and ends what the test says; an aborted one ends as cancelled. */
export interface FakeEvaluator extends Evaluator {
  readonly open: readonly OpenEvaluation[];
}

export function createFakeEvaluator(): FakeEvaluator {
  const open: OpenEvaluation[] = [];
  return {
    name: 'built-in',
    identity: 'fake',
    open,
    evaluate: ({ source, memoryBytes }, onFound, signal) =>
      new Promise((resolve, reject) => {
        let handing = Promise.resolve();
        const one: OpenEvaluation = {
          sha: source.kind === 'checkout' ? source.sha : source.reference,
          memoryBytes,
          find: (found) => {
            handing = handing.then(() => onFound(found));
            return handing.catch(() => undefined);
          },
          end: (ending) => {
            open.splice(open.indexOf(one), 1);
            handing.then(() => resolve(ending), reject);
          },
        };
        open.push(one);
        const onAbort = (): void => {
          if (open.includes(one)) {
            one.end({ kind: 'cancelled' });
          }
        };
        signal.addEventListener('abort', onAbort, { once: true });
        if (signal.aborted) {
          onAbort();
        }
      }),
  };
}

/** A repository whose heads the test sets; `trouble` makes the next calls fail. */
export interface FakeCheckout extends SourceCheckout {
  heads: readonly Head[];
  trouble: Error | undefined;
  readonly worktrees: Set<EvaluationId>;
  /** The tree of each revision; itself where the test does not say. */
  readonly trees: Map<Sha, Sha>;
  /** By ref: a merge, and the head that is one of its parents. */
  readonly merges: Map<string, { readonly sha: Sha; readonly head: Sha }>;
  /** The branch or tag that reaches a revision. */
  readonly reachable: Map<Sha, GitRef>;
  /** What the server does not have. */
  readonly missing: Set<Sha>;
  /** How often a checkout was asked for. */
  tries: number;
}

export function createFakeCheckout(): FakeCheckout {
  const checkout: FakeCheckout = {
    heads: [],
    trouble: undefined,
    worktrees: new Set(),
    trees: new Map(),
    merges: new Map(),
    reachable: new Map(),
    missing: new Set(),
    tries: 0,
    look: () =>
      checkout.trouble === undefined
        ? Promise.resolve({ heads: checkout.heads, defaultBranch: null })
        : Promise.reject(checkout.trouble),
    checkOut: (_source, { sha }, evaluationId) => {
      checkout.tries += 1;
      if (checkout.trouble !== undefined) {
        return Promise.reject(checkout.trouble);
      }
      checkout.worktrees.add(evaluationId);
      return Promise.resolve({
        kind: 'checkout',
        worktreeDir: `/worktrees/${evaluationId}`,
        mirrorDir: '/mirror',
        sha,
        hasSubmodules: false,
        hasLargeFiles: false,
        inputs: [],
      });
    },
    treeOf: async (_source, { sha }) => {
      if (checkout.trouble !== undefined) {
        throw checkout.trouble;
      }
      if (checkout.missing.has(sha)) {
        throw new AppError('git.missing-revision', `there is no revision ${sha}`);
      }
      return await Promise.resolve(checkout.trees.get(sha) ?? sha);
    },
    fetchMerge: (_source, { ref, head }) => {
      const merge = checkout.merges.get(ref);
      return checkout.trouble === undefined
        ? Promise.resolve(merge?.head === head ? merge.sha : undefined)
        : Promise.reject(checkout.trouble);
    },
    isReachable: (_source, sha) =>
      checkout.trouble === undefined
        ? Promise.resolve(checkout.reachable.get(sha))
        : Promise.reject(checkout.trouble),
    remove: (evaluationId) => {
      checkout.worktrees.delete(evaluationId);
      return Promise.resolve();
    },
    sweep: (living) => {
      for (const id of [...checkout.worktrees].filter((one) => !living.has(one))) {
        checkout.worktrees.delete(id);
      }
      return Promise.resolve();
    },
  };
  return checkout;
}
