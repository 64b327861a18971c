import { type RepositoryId, toEvaluationId, toJobId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import { approveEvaluation } from '../flows/approve-evaluation.ts';
import { bumpEvaluation, bumpJob } from '../flows/bump-job.ts';
import { cancelEvaluation } from '../flows/cancel-evaluation.ts';
import { cancelJob } from '../flows/cancel-job.ts';
import { restartFailed } from '../flows/restart-failed.ts';
import { restartJob } from '../flows/restart-job.ts';
import { triggerEvaluation } from '../flows/trigger-evaluation.ts';
import type { Commands } from '../ports/commands.ts';
import type { DeliveryStore } from '../ports/delivery-store.ts';
import type { Engine } from './engine.ts';
import type { ConfiguredRepository } from './repositories.ts';

export interface CommandSources {
  readonly engine: Engine;
  readonly deliveries: DeliveryStore;
  readonly watched: () => ReadonlyMap<RepositoryId, ConfiguredRepository>;
  readonly clock: Clock;
  readonly poke: (id: RepositoryId) => void;
  /** One may wait for the forge to say who may build. */
  readonly judgeRequests: () => void;
  readonly signal: AbortSignal;
}

/** What people and programs may ask for, each wish to the flow that fulfils it. */
export function createCommands({
  engine,
  deliveries,
  watched,
  clock,
  poke,
  judgeRequests,
  signal,
}: CommandSources): Commands {
  const ports = { ...engine, clock, line: engine.dispatcher };
  return {
    poke: ({ forge, slug }) => {
      const wanted = [...watched().values()].filter(
        ({ repository }) => repository.forge === forge && (slug === null || repository.slug === slug),
      );
      for (const { repository } of wanted) {
        poke(repository.id);
      }
      return Promise.resolve(
        wanted.length === 0
          ? { kind: 'not_found' }
          : {
              kind: 'done',
              message: `Looking at ${wanted.length === 1 ? 'the repository' : `${wanted.length} repositories`} now.`,
            },
      );
    },
    trigger: async (trigger) => {
      const { forge, slug } = trigger.repository;
      const found = [...watched().values()].find(
        ({ repository }) => repository.forge === forge && repository.slug === slug,
      );
      if (found === undefined) {
        return { kind: 'not_found' };
      }
      const verdict = await triggerEvaluation(
        { ...engine, deliveries, clock },
        found.repository,
        found.source,
        trigger,
        signal,
      );
      engine.queue.wake();
      return verdict;
    },
    approveEvaluation: async (id, by) => {
      const verdict = await approveEvaluation(ports, toEvaluationId(id), by);
      engine.queue.wake();
      return verdict;
    },
    cancelEvaluation: (id) => cancelEvaluation(ports, toEvaluationId(id), 'It was cancelled by hand.'),
    restartEvaluation: async (id) => {
      if (engine.evaluations.find(toEvaluationId(id)) === undefined) {
        return { kind: 'not_found' };
      }
      const evaluationId = await engine.evaluations.restart(toEvaluationId(id), clock.now());
      if (evaluationId === undefined) {
        return { kind: 'refused', reason: 'It has not ended yet. Cancel it first, or wait for its end.' };
      }
      engine.changes.tell({ kind: 'evaluation', evaluationId });
      engine.queue.wake();
      judgeRequests();
      return { kind: 'done', evaluationId };
    },
    restartFailed: (id) => restartFailed(ports, toEvaluationId(id)),
    bumpEvaluation: (id) => bumpEvaluation(ports, toEvaluationId(id)),
    restartJob: (id) => restartJob(ports, toJobId(id)),
    cancelJob: (id) => cancelJob(ports, toJobId(id)),
    bumpJob: (id) => bumpJob(ports, toJobId(id)),
  };
}
