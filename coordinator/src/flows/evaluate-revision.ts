import { isAppError, mayPass, messageOf } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import type { Evaluation, EvaluationStore } from '../ports/evaluation-store.ts';
import type { EvaluationEnding, Evaluator } from '../ports/evaluator.ts';
import type { EvaluationSettings } from '../ports/settings.ts';
import type { SourceCheckout } from '../ports/source-checkout.ts';
import { failEvaluation } from './fail-evaluation.ts';
import { keepTrying } from './keep-trying.ts';
import { type FoundPorts, storeFoundJobs } from './store-found-jobs.ts';

export interface EvaluatePorts extends FoundPorts {
  readonly evaluations: EvaluationStore;
  readonly checkout: SourceCheckout;
  readonly evaluator: Evaluator;
  readonly log: Logger;
  /** The first of the waits before something is tried again. */
  readonly retryMs: number;
}

/** `retry`: the host or the network was at fault; the evaluation is still `evaluating` and the caller decides. */
export type Evaluated =
  | { readonly kind: 'building' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'retry'; readonly reason: string };

/** Takes one evaluation, which is `evaluating`, through checkout and evaluator to `building` or to its end. */
export async function evaluateRevision(
  ports: EvaluatePorts,
  evaluation: Evaluation,
  settings: EvaluationSettings,
  signal: AbortSignal,
): Promise<Evaluated> {
  const { evaluations, changes, clock, log } = ports;
  const store = <T>(what: string, action: () => Promise<T>): Promise<T> =>
    keepTrying(ports, what, signal, action);
  const ending = await tryToEvaluate(ports, evaluation, settings, signal);
  log.info({ evaluationId: evaluation.id, ending: ending.kind }, 'evaluator ended');
  if (signal.aborted || ending.kind === 'cancelled') {
    return { kind: 'ended' };
  }
  if (ending.kind === 'infrastructure') {
    return { kind: 'retry', reason: ending.reason };
  }
  if (ending.kind !== 'complete') {
    await store('fail an evaluation', () => failEvaluation(ports, evaluation.id, ending.reason));
    return { kind: 'ended' };
  }
  const isBuilding = await store('begin to build', () =>
    evaluations.startBuilding(evaluation.id, clock.now()),
  );
  changes.tell({ kind: 'evaluation', evaluationId: evaluation.id });
  return isBuilding ? { kind: 'building' } : { kind: 'ended' };
}

async function tryToEvaluate(
  ports: EvaluatePorts,
  evaluation: Evaluation,
  { source, ...settings }: EvaluationSettings,
  signal: AbortSignal,
): Promise<EvaluationEnding> {
  try {
    const revision = { sha: evaluation.builtSha, ref: evaluation.ref };
    const flake = await ports.checkout.checkOut(source, revision, evaluation.id, signal);
    const request = {
      ...settings,
      source: flake,
      cacheKey: `${source.repositoryId}-${evaluation.isTrusted ? 'trusted' : 'untrusted'}`,
    };
    return await ports.evaluator.evaluate(
      request,
      (found) => storeFoundJobs(ports, evaluation.id, found),
      signal,
    );
  } catch (error) {
    return toEnding(error, signal);
  } finally {
    await ports.checkout.remove(evaluation.id);
  }
}

function toEnding(error: unknown, signal: AbortSignal): EvaluationEnding {
  if (signal.aborted) {
    return { kind: 'cancelled' };
  }
  if (mayPass(error)) {
    return { kind: 'infrastructure', reason: messageOf(error) };
  }
  if (!isAppError(error)) {
    throw error;
  }
  return { kind: 'failed', reason: messageOf(error) };
}
