/**
 * The evaluations that run, and whose turn it is among those that wait. `next` gives one a place, which is its own until
 * `ended`; nothing else changes what is here.
 */
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import { sizeText } from '@argunix/shared/domain/size-text';
import {
  type EvaluationRoom,
  evaluationLine,
  type HeldPlace,
  nextEvaluation,
  type RunningEvaluation,
  type WaitingEvaluation,
} from './evaluation-order.ts';

export interface EvaluationPlaces {
  /** Which of these starts now; undefined when none may. */
  next(waiting: readonly WaitingEvaluation[]): WaitingEvaluation | undefined;
  ended(id: EvaluationId): void;
  /** Why each of those that wait does not run, in a sentence, as of now. Some ms for thousands: to be kept until it changes. */
  why(waiting: readonly WaitingEvaluation[]): ReadonlyMap<EvaluationId, string>;
}

export function createEvaluationPlaces(room: EvaluationRoom): EvaluationPlaces {
  const running = new Map<EvaluationId, RunningEvaluation>();
  const servedAt = new Map<RepositoryId, number>();
  let held: HeldPlace | undefined;
  let turn = 0;

  function situation(waiting: readonly WaitingEvaluation[]): Parameters<typeof nextEvaluation>[0] {
    return { waiting, running: [...running.values()], servedAt, held, room };
  }
  function inLine(waiting: readonly WaitingEvaluation[]): readonly WaitingEvaluation[] {
    const first = waiting.filter(({ id }) => id === held?.id);
    const others = waiting.filter(({ id }) => id !== held?.id);
    return [...first, ...evaluationLine(situation(others))];
  }
  /** What of them stands in the way of one that needs this much. */
  function obstacle({ id, memoryBytes }: WaitingEvaluation): string {
    const before = held?.id === id ? [...held.after].filter((one) => running.has(one)) : [];
    if (before.length > 0) {
      return `${numbered(before)} ${has(before)} to end first: it may need ${sizeText(memoryBytes)} of the ${sizeText(room.budgetBytes)} that all have together.`;
    }
    const all = [...running.keys()];
    if (running.size >= room.concurrency) {
      return `${numbered(all)} ${all.length === 1 ? 'runs' : 'run'}, which is as many as schedule.eval_concurrency allows.`;
    }
    const taken = [...running.values()].reduce((sum, one) => sum + one.memoryBytes, 0);
    return `${numbered(all)} may use ${sizeText(taken)} of the ${sizeText(room.budgetBytes)} that all have together (eval.memory_budget), and it ${sizeText(memoryBytes)}.`;
  }

  return {
    next: (waiting) => {
      const decision = nextEvaluation(situation(waiting));
      held = decision.held;
      if (decision.start !== undefined) {
        running.set(decision.start.id, decision.start);
        turn += 1;
        servedAt.set(decision.start.repositoryId, turn);
      }
      return decision.start;
    },
    ended: (id) => {
      running.delete(id);
    },
    why: (waiting) => {
      const line = inLine(waiting);
      return new Map(
        line.map((one, at) => {
          const where =
            at === 0
              ? 'It is the next to be evaluated.'
              : `It is number ${at + 1} of ${line.length} in line.`;
          return [one.id, running.size === 0 ? where : `${where} ${obstacle(one)}`];
        }),
      );
    },
  };
}

// More only make a wall of text.
const MOST_NAMED = 4;

function numbered(ids: readonly EvaluationId[]): string {
  const named = ids.slice(0, MOST_NAMED).join(', ');
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : '';
  return `${ids.length === 1 ? 'Evaluation' : 'Evaluations'} ${named}${more}`;
}

function has(ids: readonly EvaluationId[]): string {
  return ids.length === 1 ? 'has' : 'have';
}
