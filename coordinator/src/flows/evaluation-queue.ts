/**
 * Takes queued evaluations in the order of their making, `concurrency` at a time. What the host or the network spoils
 * is tried again with growing waits; after `retries` the evaluation fails with the last reason.
 */
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Evaluation } from '../ports/evaluation-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { SettingsOf } from '../ports/settings.ts';
import { type EvaluatePorts, evaluateRevision } from './evaluate-revision.ts';

export interface QueuePorts extends EvaluatePorts {
  readonly settingsOf: SettingsOf;
  readonly metrics: Pick<Metrics, 'evaluationEnded'>;
  readonly concurrency: number;
  readonly retries: number;
  readonly retryMs: number;
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
  const running = new Map<
    EvaluationId,
    { readonly controller: AbortController; readonly ended: Promise<void> }
  >();
  const stopping = new AbortController();

  function wake(): void {
    for (const evaluation of stopping.signal.aborted ? [] : ports.evaluations.living(['queued'])) {
      if (running.size >= ports.concurrency) {
        return;
      }
      if (!running.has(evaluation.id)) {
        const controller = new AbortController();
        running.set(evaluation.id, { controller, ended: run(evaluation, controller.signal) });
      }
    }
  }

  async function run(evaluation: Evaluation, aborted: AbortSignal): Promise<void> {
    // One turn later: whoever is waited for by `running` must be in it first.
    await Promise.resolve();
    try {
      await evaluateWithRetries(evaluation, AbortSignal.any([aborted, stopping.signal]));
    } catch (error) {
      ports.log.error({ err: error, evaluationId: evaluation.id }, 'an evaluation met a bug of argunix');
      await ports.evaluations.fail(
        evaluation.id,
        `A mistake inside argunix ended it: ${messageOf(error)}`,
        ports.clock.now(),
      );
    } finally {
      if (stopping.signal.aborted) {
        await ports.evaluations.requeue(evaluation.id);
      }
      running.delete(evaluation.id);
      if (ports.evaluations.find(evaluation.id)?.status === 'evaluation_failed') {
        ports.metrics.evaluationEnded('evaluation_failed', null, ports.clock.now() - evaluation.createdAt);
      }
      ports.changes.tell({ kind: 'evaluation', evaluationId: evaluation.id });
      wake();
    }
  }

  async function evaluateWithRetries(evaluation: Evaluation, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const settings = ports.settingsOf(evaluation.repositoryId);
      if (settings === undefined || !(await ports.evaluations.begin(evaluation.id, ports.clock.now()))) {
        return;
      }
      ports.changes.tell({ kind: 'evaluation', evaluationId: evaluation.id });
      const evaluated = await evaluateRevision(ports, evaluation, settings, signal);
      if (evaluated.kind === 'building') {
        await ports.onBuilding(evaluation.id);
      }
      if (evaluated.kind !== 'retry') {
        return;
      }
      failures += 1;
      if (failures > ports.retries) {
        const reason = `Tried ${failures} times: ${evaluated.reason}`;
        await ports.evaluations.fail(evaluation.id, reason, ports.clock.now());
        return;
      }
      ports.log.warn(
        { evaluationId: evaluation.id, failures, reason: evaluated.reason },
        'an evaluation is tried again',
      );
      await ports.evaluations.requeue(evaluation.id);
      await ports.clock.sleep(ports.retryMs * 2 ** (failures - 1), signal);
    }
  }

  return {
    wake,
    abort: (id) => running.get(id)?.controller.abort(),
    stop: async () => {
      stopping.abort();
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}
