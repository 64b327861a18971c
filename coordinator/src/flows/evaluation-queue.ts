/**
 * Takes queued evaluations in the order of their making, `concurrency` at a time. What the host or the network spoils
 * is tried again with growing waits, in which it holds nobody up; after `retries` it fails with the last reason.
 */
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { mayPass, messageOf } from '@argunix/shared/kit/app-error';
import { retryDelayMs } from '../domain/retry-delay.ts';
import type { Evaluation } from '../ports/evaluation-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { SettingsOf } from '../ports/settings.ts';
import { type EvaluatePorts, evaluateRevision } from './evaluate-revision.ts';
import { failEvaluation } from './fail-evaluation.ts';
import { keepTrying } from './keep-trying.ts';

export interface QueuePorts extends EvaluatePorts {
  readonly settingsOf: SettingsOf;
  readonly metrics: Pick<Metrics, 'evaluationEnded'>;
  readonly concurrency: number;
  readonly retries: number;
  /** The evaluation is `building`: its jobs are to be built. */
  onBuilding(id: EvaluationId): Promise<void>;
}

export interface EvaluationQueue {
  /** Something may have been queued. */
  wake(): void;
  /** Stops the evaluator of this one, if it runs; what becomes of the evaluation is the caller's to store. */
  abort(id: EvaluationId): void;
  /** Starts nothing more, ends what runs and puts it back in the queue. */
  stop(): Promise<void>;
}

export function createEvaluationQueue(ports: QueuePorts): EvaluationQueue {
  const { evaluations, changes, clock, log } = ports;
  const running = new Map<
    EvaluationId,
    { readonly controller: AbortController; readonly ended: Promise<void> }
  >();
  /** How often each was spoiled. */
  const failures = new Map<EvaluationId, number>();
  /** Until they are tried again. */
  const waiting = new Set<EvaluationId>();
  const stopping = new AbortController();
  const store = <T>(what: string, action: () => Promise<T>): Promise<T> =>
    keepTrying(ports, what, stopping.signal, action);

  function wake(): void {
    for (const evaluation of stopping.signal.aborted ? [] : evaluations.living(['queued'])) {
      if (running.size >= ports.concurrency) {
        return;
      }
      if (!running.has(evaluation.id) && !waiting.has(evaluation.id)) {
        const controller = new AbortController();
        running.set(evaluation.id, { controller, ended: run(evaluation, controller.signal) });
      }
    }
  }

  /** Never rejects. */
  async function run(evaluation: Evaluation, aborted: AbortSignal): Promise<void> {
    const { id } = evaluation;
    // One turn later: whoever is waited for by `running` must be in it first.
    await Promise.resolve();
    try {
      await evaluate(evaluation, AbortSignal.any([aborted, stopping.signal]));
      if (stopping.signal.aborted) {
        await evaluations.requeue(id, null);
      }
    } catch (error) {
      // Only the store can throw here; the next start takes up what is stored.
      log.error({ err: error, evaluationId: id }, 'the end of an evaluation could not be stored');
    }
    running.delete(id);
    if (!waiting.has(id)) {
      failures.delete(id);
    }
    if (evaluations.find(id)?.status === 'evaluation_failed') {
      ports.metrics.evaluationEnded('evaluation_failed', null, clock.now() - evaluation.createdAt);
    }
    changes.tell({ kind: 'evaluation', evaluationId: id });
    wake();
  }

  async function evaluate(evaluation: Evaluation, signal: AbortSignal): Promise<void> {
    const { id } = evaluation;
    const settings = ports.settingsOf(evaluation.repositoryId);
    if (
      settings === undefined ||
      !(await store('begin an evaluation', () => evaluations.begin(id, clock.now())))
    ) {
      return;
    }
    changes.tell({ kind: 'evaluation', evaluationId: id });
    try {
      const evaluated = await evaluateRevision(ports, evaluation, settings, signal);
      if (evaluated.kind === 'building') {
        await ports.onBuilding(id);
      } else if (evaluated.kind === 'retry') {
        await tryAgain(id, evaluated.reason);
      }
    } catch (error) {
      if (mayPass(error)) {
        throw error;
      }
      log.error({ err: error, evaluationId: id }, 'an evaluation met a bug of argunix');
      const reason = `A mistake inside argunix ended it: ${messageOf(error)}`;
      await store('fail an evaluation', () => failEvaluation(ports, id, reason));
    }
  }

  async function tryAgain(id: EvaluationId, reason: string): Promise<void> {
    const count = (failures.get(id) ?? 0) + 1;
    if (count > ports.retries) {
      await store('fail an evaluation', () => failEvaluation(ports, id, `Tried ${count} times: ${reason}`));
      return;
    }
    log.warn({ evaluationId: id, count, reason }, 'an evaluation is tried again');
    failures.set(id, count);
    const shown = `It is tried again (${count} of ${ports.retries}): ${reason}`;
    await store('queue an evaluation again', () => evaluations.requeue(id, shown));
    waiting.add(id);
    void clock.sleep(retryDelayMs(ports.retryMs, count), stopping.signal).then(() => {
      waiting.delete(id);
      wake();
    });
  }

  return {
    wake,
    abort: (id) => {
      failures.delete(id);
      running.get(id)?.controller.abort();
    },
    stop: async () => {
      stopping.abort();
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}
