import type { EvaluationId } from '@argunix/shared/domain/ids';
import { isAppError, mayPass, messageOf } from '@argunix/shared/kit/app-error';
import type { Evaluation, EvaluationStore } from '../ports/evaluation-store.ts';
import type { EvaluationEnding, Evaluator } from '../ports/evaluator.ts';
import type { EvaluationSettings } from '../ports/settings.ts';
import type { SourceCheckout } from '../ports/source-checkout.ts';
import { keepTrying, type PatiencePorts } from './keep-trying.ts';
import { type FoundPorts, storeFoundJobs } from './store-found-jobs.ts';

export interface EvaluatePorts extends FoundPorts, PatiencePorts {
  readonly evaluations: EvaluationStore;
  readonly checkout: SourceCheckout;
  readonly evaluator: Evaluator;
}

/** `retry`: the host or the network was at fault; the evaluation is still `evaluating` and the caller decides. */
export type Evaluated =
  | { readonly kind: 'building' }
  | { readonly kind: 'ended' }
  /** Still `evaluating`, as well. */
  | Extract<EvaluationEnding, { kind: 'out_of_memory' }>
  | { readonly kind: 'retry'; readonly reason: string };

/** Takes one evaluation, which is `evaluating`, through checkout and evaluator to `building` or to its end. */
export async function evaluateRevision(
  ports: EvaluatePorts,
  evaluation: Evaluation,
  settings: EvaluationSettings,
  signal: AbortSignal,
): Promise<Evaluated> {
  const { evaluations, changes, clock, log } = ports;
  const ending = await tryToEvaluate(ports, evaluation, settings, signal);
  log.info({ evaluationId: evaluation.id, ending: ending.kind }, 'evaluator ended');
  if (signal.aborted) {
    return { kind: 'ended' };
  }
  if (ending.kind === 'infrastructure' || ending.kind === 'cancelled') {
    return { kind: 'retry', reason: ending.kind === 'cancelled' ? 'It was stopped.' : ending.reason };
  }
  if (ending.kind === 'out_of_memory') {
    return ending;
  }
  const isBuilding = ending.kind === 'complete';
  const isStored = await keepTrying(ports, 'store the end of an evaluator', signal, () =>
    isBuilding
      ? evaluations.startBuilding(evaluation.id, clock.now())
      : evaluations.fail(evaluation.id, ending.reason, clock.now()),
  );
  changes.tell({ kind: 'evaluation', evaluationId: evaluation.id });
  return isBuilding && isStored ? { kind: 'building' } : { kind: 'ended' };
}

async function tryToEvaluate(
  ports: EvaluatePorts,
  evaluation: Evaluation,
  { source, ...settings }: EvaluationSettings,
  signal: AbortSignal,
): Promise<EvaluationEnding> {
  try {
    const { builtSha: sha, builtRef, isTrusted } = evaluation;
    const ref = builtRef ?? evaluation.ref;
    const flake = await ports.checkout.checkOut(source, { sha, ref, isTrusted }, evaluation.id, signal);
    const request = {
      ...settings,
      source: flake,
      cacheKey: `${source.repositoryId}-${isTrusted ? 'trusted' : 'untrusted'}`,
    };
    return await ports.evaluator.evaluate(
      request,
      (found) => storeFoundJobs(ports, evaluation.id, found),
      signal,
    );
  } catch (error) {
    return toEnding(error, signal);
  } finally {
    await removeWorktree(ports, evaluation.id);
  }
}

/** What stays is no harm to the evaluation: the next start removes it. */
async function removeWorktree({ checkout, log }: EvaluatePorts, id: EvaluationId): Promise<void> {
  try {
    await checkout.remove(id);
  } catch (error) {
    log.warn({ err: error, evaluationId: id }, 'a worktree could not be removed yet');
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
