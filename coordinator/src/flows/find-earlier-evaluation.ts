/**
 * Remembers which queued evaluations were looked up among the earlier ones, and finds those that need not be evaluated.
 * What a person asked for is always evaluated anew.
 */
import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import { isAppError } from '@argunix/shared/kit/app-error';
import { reuseKey } from '../domain/reuse-key.ts';
import type { Evaluation } from '../ports/evaluation-store.ts';
import type { Evaluator } from '../ports/evaluator.ts';
import type { ReuseKeys } from '../ports/reuse-store.ts';
import type { EvaluationSettings } from '../ports/settings.ts';
import type { SourceCheckout } from '../ports/source-checkout.ts';
import { type TakeOverPorts, takeOverEvaluation } from './take-over-evaluation.ts';

export interface EarlierPorts extends TakeOverPorts {
  readonly checkout: Pick<SourceCheckout, 'treeOf'>;
  readonly evaluator: Pick<Evaluator, 'identity'>;
  readonly nixVersion: string;
}

export interface EarlierEvaluations {
  /** With which keys it is to be found by later ones. */
  keysOf(evaluation: Evaluation, settings: EvaluationSettings): ReuseKeys;
  /** Whether looking may find something: it was not looked up yet as it is now. */
  isWorthALook(evaluation: Evaluation, settings: EvaluationSettings): boolean;
  /** Brings it to `building` with what an earlier one found, if there is one. Throws only bugs. */
  take(evaluation: Evaluation, settings: EvaluationSettings, signal: AbortSignal): Promise<boolean>;
  /** There is one more to be found: whoever looked for these keys before may look again. */
  added(keys: ReuseKeys): void;
  forget(id: EvaluationId): void;
}

interface Look {
  readonly keys: ReuseKeys;
  readonly treeSha: Sha | null;
}

export function createEarlierEvaluations(ports: EarlierPorts): EarlierEvaluations {
  const { reuse, checkout, log } = ports;
  /** In vain. */
  const looks = new Map<EvaluationId, Look>();

  function keysWith(
    { builtSha, repositoryId }: Evaluation,
    settings: EvaluationSettings,
    treeSha: Sha | null,
  ): ReuseKeys {
    const { identity } = ports.evaluator;
    const facts = { ...settings, repositoryId, evaluator: identity, nixVersion: ports.nixVersion };
    return {
      commit: reuseKey(facts, 'commit', builtSha),
      tree: treeSha === null ? null : reuseKey(facts, 'tree', treeSha),
    };
  }

  async function takeBy(
    kind: keyof ReuseKeys,
    evaluation: Evaluation,
    keys: ReuseKeys,
    signal: AbortSignal,
  ): Promise<boolean> {
    const key = keys[kind];
    const from = key === null ? undefined : reuse.find(kind, key, evaluation);
    return from !== undefined && (await takeOverEvaluation(ports, evaluation, { from, keys }, signal));
  }

  return {
    keysOf: (evaluation, settings) =>
      keysWith(evaluation, settings, looks.get(evaluation.id)?.treeSha ?? null),
    isWorthALook: (evaluation, settings) => {
      const { id, trigger } = evaluation;
      const keys = keysWith(evaluation, settings, null);
      if (trigger === 'manual' || trigger === 'restart' || looks.get(id)?.keys.commit === keys.commit) {
        return false;
      }
      if (settings.reuseSameTree || reuse.find('commit', keys.commit, evaluation) !== undefined) {
        return true;
      }
      looks.set(id, { keys, treeSha: null });
      return false;
    },
    take: async (evaluation, settings, signal) => {
      let look: Look = { keys: keysWith(evaluation, settings, null), treeSha: null };
      // Before anything can go wrong: what was looked up in vain is evaluated.
      looks.set(evaluation.id, look);
      try {
        if (await takeBy('commit', evaluation, look.keys, signal)) {
          return true;
        }
        if (!settings.reuseSameTree || signal.aborted) {
          return false;
        }
        const revision = { sha: evaluation.builtSha, ref: evaluation.builtRef ?? evaluation.ref };
        const treeSha = await checkout.treeOf(settings.source, revision, signal);
        look = { keys: keysWith(evaluation, settings, treeSha), treeSha };
        looks.set(evaluation.id, look);
        return await takeBy('tree', evaluation, look.keys, signal);
      } catch (error) {
        if (!isAppError(error) && !signal.aborted) {
          throw error;
        }
        // Evaluating meets the same trouble, if it stays, and knows what it means.
        log.warn(
          { err: error, evaluationId: evaluation.id },
          'an earlier evaluation could not be taken over',
        );
        return false;
      }
    },
    added: (keys) => {
      for (const [id, look] of looks) {
        if (look.keys.commit === keys.commit || (keys.tree !== null && look.keys.tree === keys.tree)) {
          looks.delete(id);
        }
      }
    },
    forget: (id) => {
      looks.delete(id);
    },
  };
}
