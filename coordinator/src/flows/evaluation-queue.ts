/**
 * Takes queued evaluations in a fair order (domain/evaluation-order.ts), as many at a time as there is room for. It is
 * asked when something changes, never by the clock. What the host or the network spoils rests, still queued and in
 * nobody's way, and is tried again with growing waits; after `retries` the evaluation fails with the last reason. What
 * ran out of memory stands in line once more, for all the memory there is.
 */
import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { messageOf } from '@argunix/shared/kit/app-error';
import { type EvaluationRoom, evaluationRank, type WaitingEvaluation } from '../domain/evaluation-order.ts';
import { createEvaluationPlaces } from '../domain/evaluation-places.ts';
import { judgeShortage, type MemoryShortage } from '../domain/memory-shortage.ts';
import { retryDelayMs } from '../domain/retry-delay.ts';
import type { Evaluation, QueuedEvaluation } from '../ports/evaluation-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { EvaluationSettings, SettingsOf } from '../ports/settings.ts';
import { type EvaluatePorts, evaluateRevision } from './evaluate-revision.ts';
import { keepTrying } from './keep-trying.ts';
import { releaseDerivations } from './release-derivations.ts';

export interface QueuePorts extends EvaluatePorts {
  readonly settingsOf: SettingsOf;
  readonly metrics: Pick<Metrics, 'evaluationEnded' | 'jobEnded'>;
  readonly room: EvaluationRoom;
  readonly retries: number;
  /** The evaluation is `building`: its jobs are to be built. */
  onBuilding(id: EvaluationId): Promise<void>;
}

export interface EvaluationQueue {
  /** Something may have been queued. */
  wake(): void;
  /** Why this one is still queued, in a sentence; undefined for every one that does not wait. */
  whyWaiting(id: EvaluationId): string | undefined;
  /** Stops the evaluator of this one, if it runs; what becomes of the evaluation is the caller's to store. */
  abort(id: EvaluationId): void;
  /** Starts nothing more, ends what runs and puts it back in the queue. */
  stop(): Promise<void>;
}

interface Run {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

interface Candidate extends WaitingEvaluation {
  readonly evaluation: Evaluation;
}

interface Rest {
  readonly until: number;
  readonly reason: string;
}

export function createEvaluationQueue(ports: QueuePorts): EvaluationQueue {
  const { evaluations, changes, clock, log, metrics } = ports;
  const running = new Map<EvaluationId, Run>();
  const resting = new Map<EvaluationId, Run>();
  const rests = new Map<EvaluationId, Rest>();
  const failures = new Map<EvaluationId, number>();
  /** They ran out of memory once; the next start of the program forgets it, and they are tried from the beginning. */
  const starved = new Set<EvaluationId>();
  const places = createEvaluationPlaces(ports.room);
  /** As of the last look: whatever changes it is followed by a look. */
  let waiting: readonly Candidate[] = [];
  const stopping = new AbortController();

  function wake(): void {
    if (stopping.signal.aborted) {
      return;
    }
    waiting = evaluations
      .queued()
      .filter(({ id }) => !running.has(id) && !resting.has(id))
      .map(toWaiting);
    startNext();
  }

  function startNext(): void {
    if (stopping.signal.aborted) {
      return;
    }
    for (let next = places.next(waiting); next !== undefined; next = places.next(waiting)) {
      const { id } = next;
      const candidate = waiting.find((one) => one.id === id);
      waiting = waiting.filter((one) => one.id !== id);
      if (candidate !== undefined) {
        start(running, candidate.evaluation, run);
      }
    }
  }

  function toWaiting(evaluation: QueuedEvaluation): Candidate {
    const { id, repositoryId, trigger, isOfDefaultBranch } = evaluation;
    // One whose repository left the configuration only has to be ended.
    const settings = ports.settingsOf(repositoryId);
    return {
      evaluation,
      id,
      repositoryId,
      rank: evaluationRank(trigger, isOfDefaultBranch),
      weight: settings?.weight ?? 1,
      memoryBytes: settings === undefined ? 0 : memoryOf(id, settings),
    };
  }

  /** The budget may have been lowered since the configuration of the repository was checked against it. */
  function memoryOf(id: EvaluationId, settings: EvaluationSettings): number {
    const { budgetBytes } = ports.room;
    return starved.has(id) ? budgetBytes : Math.min(settings.memoryBytes, budgetBytes);
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
      if (place === running) {
        places.ended(evaluation.id);
      }
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
    const memoryBytes = memoryOf(id, settings);
    const evaluated = await evaluateRevision(ports, evaluation, { ...settings, memoryBytes }, signal);
    if (evaluated.kind === 'building') {
      await ports.onBuilding(id);
    } else if (evaluated.kind === 'retry') {
      await tryAgain(evaluation, evaluated.reason, signal);
    } else if (evaluated.kind === 'out_of_memory') {
      await tryWithMore(id, { ...ports.room, ...evaluated, memoryBytes }, signal);
    }
  }

  async function tryWithMore(id: EvaluationId, shortage: MemoryShortage, signal: AbortSignal): Promise<void> {
    const { kind, reason } = judgeShortage(shortage);
    if (kind === 'failed') {
      await fail(id, reason, signal);
      return;
    }
    starved.add(id);
    log.warn(
      { evaluationId: id, attrs: shortage.attrs },
      'an evaluation ran out of memory and is tried again',
    );
    await keepTrying(ports, 'queue an evaluation again', signal, () => evaluations.requeue(id, reason));
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
    const shown = `It is tried again (${count} of ${ports.retries}): ${reason}`;
    rests.set(id, { until: clock.now() + waitMs, reason: shown });
    start(resting, evaluation, async (_, aborted) => {
      await clock.sleep(waitMs, aborted);
      rests.delete(id);
    });
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
    forget(id);
    if (status === 'evaluation_failed') {
      metrics.evaluationEnded(status, null, clock.now() - createdAt);
    }
    if (status !== 'done') {
      await releaseDerivations(ports, id);
    }
  }

  function forget(id: EvaluationId): void {
    failures.delete(id);
    starved.delete(id);
    rests.delete(id);
  }

  return {
    wake,
    whyWaiting: (id) => {
      const rest = rests.get(id);
      return rest === undefined
        ? places.why(id, waiting)
        : `It rests for another ${secondsText(rest.until - clock.now())}. ${rest.reason}`;
    },
    abort: (id) => {
      running.get(id)?.controller.abort();
      resting.get(id)?.controller.abort();
      forget(id);
      waiting = waiting.filter((one) => one.id !== id);
      // Others may have waited behind it.
      startNext();
    },
    stop: async () => {
      stopping.abort();
      await Promise.all([...running.values(), ...resting.values()].map(({ ended }) => ended));
    },
  };
}

function secondsText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
