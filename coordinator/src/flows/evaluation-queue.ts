/**
 * Takes queued evaluations in a fair order (domain/evaluation-order.ts), as many at a time as there is room for. It is
 * asked when something changes, never by the clock. One whose revision was evaluated before needs no room: it takes over
 * what was found then, at once. What the host or the network spoils rests, still queued and in nobody's way, and is
 * tried again with growing waits; after `retries` the evaluation fails with the last reason. What ran out of memory
 * stands in line once more, for all the memory there is.
 */
import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import { messageOf } from '@argunix/shared/kit/app-error';
import { type EvaluationRoom, evaluationRank, type WaitingEvaluation } from '../domain/evaluation-order.ts';
import { createEvaluationPlaces } from '../domain/evaluation-places.ts';
import { LEFT_CONFIGURATION } from '../domain/left-configuration.ts';
import type { Evaluation, EvaluationStore, QueuedEvaluation } from '../ports/evaluation-store.ts';
import type { Evaluator } from '../ports/evaluator.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { ReuseKeys } from '../ports/reuse-store.ts';
import type { SettingsOf } from '../ports/settings.ts';
import type { SourceCheckout } from '../ports/source-checkout.ts';
import { type EvaluatePorts, evaluateRevision } from './evaluate-revision.ts';
import { createEvaluationTries } from './evaluation-tries.ts';
import { createEarlierEvaluations, type EarlierPorts } from './find-earlier-evaluation.ts';
import { keepTrying } from './keep-trying.ts';
import { releaseDerivations } from './release-derivations.ts';
import { isMergeOpen, type MergePorts, resolveMerge } from './resolve-merge.ts';

export interface QueuePorts extends EvaluatePorts, EarlierPorts, MergePorts {
  readonly evaluations: EvaluationStore;
  readonly evaluator: Evaluator;
  readonly checkout: SourceCheckout;
  readonly settingsOf: SettingsOf;
  readonly metrics: Pick<Metrics, 'evaluationEnded' | 'jobEnded'>;
  readonly room: EvaluationRoom;
  readonly retries: number;
  /** The evaluation is `building`: its jobs are to be built. */
  onBuilding(id: EvaluationId): void;
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
  readonly evaluation: Evaluation;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

interface Candidate extends WaitingEvaluation {
  readonly evaluation: Evaluation;
}

export function createEvaluationQueue(ports: QueuePorts): EvaluationQueue {
  const { evaluations, changes, clock, log, metrics, settingsOf } = ports;
  const running = new Map<EvaluationId, Run>();
  const resting = new Map<EvaluationId, Run>();
  /** Those that look among the earlier ones: one of a repository at a time, as fetching is. */
  const looking = new Map<EvaluationId, Run>();
  /** Requests of which it is being found out what is built. */
  const resolving = new Map<EvaluationId, Run>();
  const tries = createEvaluationTries(ports);
  const places = createEvaluationPlaces(ports.room);
  const earlier = createEarlierEvaluations(ports);
  /** As of the last look: whatever changes it is followed by a look. */
  let waiting: readonly Candidate[] = [];
  /** Made when somebody asks, and good until the next start is considered, as that follows every change. */
  let explained: ReadonlyMap<EvaluationId, string> | undefined;
  const stopping = new AbortController();

  function wake(): void {
    if (stopping.signal.aborted) {
      return;
    }
    const queued = evaluations
      .queued()
      .filter(({ id }) => [running, resting, looking, resolving].every((place) => !place.has(id)))
      .filter(({ repositoryId }) => whyBlocked(repositoryId) === undefined);
    waiting = queued
      .filter((evaluation) => !isToResolve(evaluation) && !isToLook(evaluation))
      .map(toCandidate);
    startNext();
  }

  /** Without a credential that works nothing can be fetched, and that is no fault of the revision. */
  function whyBlocked(repositoryId: RepositoryId): string | undefined {
    const at = ports.forgeOf(repositoryId);
    return at?.health.pause === undefined
      ? undefined
      : `${at.forge.name} refuses our credential; it is evaluated when that works again.`;
  }

  function isToResolve(evaluation: Evaluation): boolean {
    const settings = settingsOf(evaluation.repositoryId);
    if (settings === undefined || !isMergeOpen(evaluation)) {
      return false;
    }
    start(resolving, evaluation, async (_, signal) => {
      await resolveMerge(ports, evaluation, settings.source, signal);
    });
    return true;
  }

  /** Starts the look of one whose turn it is; true also for one that has to wait for that. */
  function isToLook(evaluation: Evaluation): boolean {
    const settings = settingsOf(evaluation.repositoryId);
    if (settings === undefined || !earlier.isWorthALook(evaluation, settings)) {
      return false;
    }
    if (!isLookingFor(evaluation.repositoryId)) {
      start(looking, evaluation, look);
    }
    return true;
  }

  function isLookingFor(repositoryId: RepositoryId): boolean {
    return looking.values().some(({ evaluation }) => evaluation.repositoryId === repositoryId);
  }

  function startNext(): void {
    explained = undefined;
    while (!stopping.signal.aborted) {
      const next = places.next(inLine());
      const candidate = waiting.find(({ id }) => id === next?.id);
      if (candidate === undefined) {
        return;
      }
      waiting = waiting.filter((one) => one !== candidate);
      start(running, candidate.evaluation, run);
    }
  }

  /** Those that gain nothing by waiting for somebody else's evaluation of the same revision. */
  function inLine(): readonly Candidate[] {
    const current = [...running.values()];
    return waiting.filter(({ evaluation }) => !current.some((one) => isAwaited(one.evaluation, evaluation)));
  }

  function toCandidate(evaluation: QueuedEvaluation): Candidate {
    const { id, repositoryId, trigger, isOfDefaultBranch } = evaluation;
    // One whose repository left the configuration only has to be ended.
    const settings = settingsOf(repositoryId);
    return {
      evaluation,
      id,
      repositoryId,
      rank: evaluationRank(trigger, isOfDefaultBranch),
      weight: settings?.weight ?? 1,
      memoryBytes: settings === undefined ? 0 : tries.memoryOf(id, settings),
    };
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
    place.set(evaluation.id, { evaluation, controller, ended: whole() });
  }

  async function look(evaluation: Evaluation, signal: AbortSignal): Promise<void> {
    const settings = settingsOf(evaluation.repositoryId);
    if (settings !== undefined && (await earlier.take(evaluation, settings, signal))) {
      built(evaluation.id, earlier.keysOf(evaluation, settings));
    }
    await tidy(evaluation);
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
    const settings = settingsOf(evaluation.repositoryId);
    if (settings === undefined) {
      await keepTrying(ports, 'cancel an evaluation', signal, () =>
        evaluations.end(id, 'cancelled', LEFT_CONFIGURATION, clock.now()),
      );
      return;
    }
    const keys = earlier.keysOf(evaluation, settings);
    const hasBegun = await keepTrying(ports, 'begin an evaluation', signal, () =>
      evaluations.begin(id, clock.now(), keys),
    );
    if (!hasBegun) {
      return;
    }
    changes.tell({ kind: 'evaluation', evaluationId: id });
    const memoryBytes = tries.memoryOf(id, settings);
    const evaluated = await evaluateRevision(ports, evaluation, { ...settings, memoryBytes }, signal);
    switch (evaluated.kind) {
      case 'building':
        built(id, keys);
        return;
      case 'retry':
        await tryAgain(evaluation, evaluated.reason, signal);
        return;
      case 'out_of_memory':
        await tryWithMore(evaluation, evaluated, memoryBytes, signal);
        return;
      case 'ended':
    }
  }

  function built(id: EvaluationId, keys: ReuseKeys): void {
    forget(id);
    earlier.added(keys);
    ports.onBuilding(id);
  }

  async function tryWithMore(
    { id }: Evaluation,
    ending: Parameters<typeof tries.starved>[1],
    memoryBytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { kind, reason } = tries.starved(id, ending, memoryBytes);
    if (kind === 'failed') {
      await fail(id, reason, signal);
      return;
    }
    log.warn({ evaluationId: id, attrs: ending.attrs }, 'an evaluation ran out of memory and is tried again');
    await queueAgain(id, reason, signal);
  }

  async function tryAgain(evaluation: Evaluation, spoiledBy: string, signal: AbortSignal): Promise<void> {
    const { id, repositoryId } = evaluation;
    await ports.forgeOf(repositoryId)?.health.suspect();
    if (whyBlocked(repositoryId) !== undefined) {
      await queueAgain(id, spoiledBy, signal);
      return;
    }
    const verdict = tries.spoiled(id, spoiledBy);
    if (verdict.kind === 'failed') {
      await fail(id, verdict.reason, signal);
      return;
    }
    const { count, reason, afterMs } = verdict;
    log.warn({ evaluationId: id, failures: count, reason: spoiledBy }, 'an evaluation is tried again');
    start(resting, evaluation, async (_, aborted) => {
      await clock.sleep(afterMs, aborted);
      tries.rested(id);
    });
    await queueAgain(id, reason, signal);
  }

  async function queueAgain(id: EvaluationId, reason: string, signal: AbortSignal): Promise<void> {
    await keepTrying(ports, 'queue an evaluation again', signal, () => evaluations.requeue(id, reason));
  }

  async function fail(id: EvaluationId, reason: string, signal: AbortSignal): Promise<void> {
    await keepTrying(ports, 'fail an evaluation', signal, () => evaluations.fail(id, reason, clock.now()));
  }

  /** Nobody roots anything for it any more: whatever is rooted is rooted for the builds that follow, or for nothing. */
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
    tries.forget(id);
    earlier.forget(id);
  }

  function explain(): ReadonlyMap<EvaluationId, string> {
    explained ??= places.why(inLine());
    return explained;
  }

  function whyWaiting(id: EvaluationId): string | undefined {
    const candidate = waiting.find((one) => one.id === id);
    const awaited = running
      .values()
      .find((one) => candidate !== undefined && isAwaited(one.evaluation, candidate.evaluation));
    const evaluation = evaluations.find(id);
    const blocked = evaluation?.status === 'queued' ? whyBlocked(evaluation.repositoryId) : undefined;
    if (blocked !== undefined) {
      return blocked;
    }
    if (resolving.has(id)) {
      return 'The forge is being asked for the merge of the request.';
    }
    return awaited === undefined
      ? (tries.whyResting(id) ?? explain().get(id))
      : `It takes over what evaluation ${awaited.evaluation.id} finds, which evaluates the same revision now.`;
  }

  return {
    wake,
    whyWaiting,
    abort: (id) => {
      for (const place of [running, resting, looking, resolving]) {
        place.get(id)?.controller.abort();
      }
      forget(id);
      waiting = waiting.filter((one) => one.id !== id);
      // Others may have waited behind it.
      startNext();
    },
    stop: async () => {
      stopping.abort();
      const all = [running, resting, looking, resolving].flatMap((place) => [...place.values()]);
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}

/** What `one` finds will do for `other`. */
function isAwaited(one: Evaluation, other: Evaluation): boolean {
  return (
    one.repositoryId === other.repositoryId &&
    one.builtSha === other.builtSha &&
    (one.isTrusted || !other.isTrusted) &&
    other.trigger !== 'manual' &&
    other.trigger !== 'restart'
  );
}
