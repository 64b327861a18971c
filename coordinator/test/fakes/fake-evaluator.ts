import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { EvaluationEnding, Evaluator, Found } from '../../src/ports/evaluator.ts';
import type { Head } from '../../src/ports/repository-store.ts';
import type { SourceCheckout } from '../../src/ports/source-checkout.ts';

interface OpenEvaluation {
  readonly sha: string;
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
    open,
    evaluate: ({ source }, onFound, signal) =>
      new Promise((resolve, reject) => {
        const one: OpenEvaluation = {
          sha: source.kind === 'checkout' ? source.sha : source.reference,
          find: (found) =>
            onFound(found).catch((error: unknown) =>
              reject(error instanceof Error ? error : new Error('odd')),
            ),
          end: (ending) => {
            open.splice(open.indexOf(one), 1);
            resolve(ending);
          },
        };
        open.push(one);
        signal.addEventListener('abort', () => open.includes(one) && one.end({ kind: 'cancelled' }), {
          once: true,
        });
      }),
  };
}

/** A repository whose heads the test sets; `trouble` makes the next calls fail. */
export interface FakeCheckout extends SourceCheckout {
  heads: readonly Head[];
  trouble: Error | undefined;
  readonly worktrees: Set<EvaluationId>;
}

export function createFakeCheckout(): FakeCheckout {
  const checkout: FakeCheckout = {
    heads: [],
    trouble: undefined,
    worktrees: new Set(),
    look: () =>
      checkout.trouble === undefined
        ? Promise.resolve({ heads: checkout.heads, defaultBranch: null })
        : Promise.reject(checkout.trouble),
    checkOut: (_source, { sha }, evaluationId) => {
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
      });
    },
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
