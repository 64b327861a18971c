/**
 * Takes queued evaluations in the order of their making, `concurrency` at a time. What the host or the network spoils
 * rests, still queued and in nobody's way, and is tried again with growing waits; after `retries` the evaluation fails
 * with the last reason.
 */
import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { messageOf } from '@argunix/shared/kit/app-error';
import { retryDelayMs } from '../domain/retry-delay.ts';
import type { Evaluation } from '../ports/evaluation-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { SettingsOf } from '../ports/settings.ts';
import { type EvaluatePorts, evaluateRevision } from './evaluate-revision.ts';
import { keepTrying } from './keep-trying.ts';
import { releaseDerivations } from './release-derivations.ts';

export interface QueuePorts extends EvaluatePorts {
  readonly settingsOf: SettingsOf;
  readonly metrics: Pick<Metrics, 'evaluationEnded' | 'jobEnded'>;
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

interface Run {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

export function createEvaluationQueue(ports: QueuePorts): EvaluationQueue {
  const { evaluations, changes, clock, log, metrics } = ports;
  const running = new Map<EvaluationId, Run>();
  const resting = new Map<EvaluationId, Run>();
  const failures = new Map<EvaluationId, number>();
  const stopping = new AbortController();

  function wake(): void {
    for (const evaluation of stopping.signal.aborted ? [] : evaluations.living(['queued'])) {
      if (running.size >= ports.concurrency) {
        return;
      }
      if (!running.has(evaluation.id) && !resting.has(evaluation.id)) {
        start(running, evaluation, run);
      }
    }
  }

  function start(
    place: Map<EvaluationId, Run>,
    evaluation: Evaluation,
    work: (evaluation: Evaluation, signal: AbortSignal) => Promise<void>,
  ): void {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, stopping.signal]);
    async function whole(): Promise<void> {
      // One turn later: whoever waits for `ended` must find it in its place first.
      await Promise.resolve();
      try {
        await work(evaluation, signal);
      } catch (error) {
        // It was stopped while the store was at fault; the next start takes up what is stored.
        log.error(
          { err: error, evaluationId: evaluation.id },
          'the end of an evaluation could not be stored',
        );
      }
      place.delete(evaluation.id);
      wake();
    }
    place.set(evaluation.id, { controller, ended: whole() });
  }

  async function run(evaluation: Evaluation, signal: AbortSignal): Promise<void> {
    const { id } = evaluation;
    try {
      await evaluate(evaluation, signal);
    } catch (error) {
      if (signal.aborted) {
        throw error;
      }
      log.error({ err: error, evaluationId: id }, 'an evaluation met a bug of argunix');
      await fail(id, `A mistake inside argunix ended it: ${messageOf(error)}`, signal);
    }
    if (stopping.signal.aborted) {
      await evaluations.requeue(id, null);
    }
    await tidy(evaluation);
    changes.tell({ kind: 'evaluation', evaluationId: id });
  }

  async function evaluate(evaluation: Evaluation, signal: AbortSignal): Promise<void> {
    const { id } = evaluation;
    const settings = ports.settingsOf(evaluation.repositoryId);
    if (settings === undefined) {
      const reason = 'Its repository is not in the configuration any more.';
      await keepTrying(ports, 'cancel an evaluation', signal, () =>
        evaluations.end(id, 'cancelled', reason, clock.now()),
      );
      return;
    }
    const hasBegun = await keepTrying(ports, 'begin an evaluation', signal, () =>
      evaluations.begin(id, clock.now()),
    );
    if (!hasBegun) {
      return;
    }
    changes.tell({ kind: 'evaluation', evaluationId: id });
    const evaluated = await evaluateRevision(ports, evaluation, settings, signal);
    if (evaluated.kind === 'building') {
      await ports.onBuilding(id);
    } else if (evaluated.kind === 'retry') {
      await tryAgain(evaluation, evaluated.reason, signal);
    }
  }

  async function tryAgain(evaluation: Evaluation, reason: string, signal: AbortSignal): Promise<void> {
    const { id } = evaluation;
    const count = (failures.get(id) ?? 0) + 1;
    if (count > ports.retries) {
      await fail(id, `Tried ${count} times: ${reason}`, signal);
      return;
    }
    failures.set(id, count);
    log.warn({ evaluationId: id, failures: count, reason }, 'an evaluation is tried again');
    const waitMs = retryDelayMs(ports.retryMs, count);
    start(resting, evaluation, (_, aborted) => clock.sleep(waitMs, aborted));
    const shown = `It is tried again (${count} of ${ports.retries}): ${reason}`;
    await keepTrying(ports, 'queue an evaluation again', signal, () => evaluations.requeue(id, shown));
  }

  async function fail(id: EvaluationId, reason: string, signal: AbortSignal): Promise<void> {
    await keepTrying(ports, 'fail an evaluation', signal, () => evaluations.fail(id, reason, clock.now()));
  }

  /** Its evaluator is gone, so whatever it rooted is rooted: for the builds that follow, or for nothing. */
  async function tidy({ id, createdAt }: Evaluation): Promise<void> {
    const status = evaluations.find(id)?.status;
    if (status === undefined || !isEvaluationEnded(status)) {
      return;
    }
    failures.delete(id);
    if (status === 'evaluation_failed') {
      metrics.evaluationEnded(status, null, clock.now() - createdAt);
    }
    if (status !== 'done') {
      await releaseDerivations(ports, id);
    }
  }

  return {
    wake,
    abort: (id) => {
      running.get(id)?.controller.abort();
      resting.get(id)?.controller.abort();
      failures.delete(id);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all([...running.values(), ...resting.values()].map(({ ended }) => ended));
    },
  };
}
