import { type RepositoryId, toEvaluationId } from '@argunix/shared/domain/ids';
import { expect, test } from 'vitest';
import type { WaitingEvaluation } from './evaluation-order.ts';
import { createEvaluationPlaces } from './evaluation-places.ts';

const GIB = 2 ** 30;

function one(id: number, gib = 4, repositoryId = 1): WaitingEvaluation {
  return {
    id: toEvaluationId(id),
    repositoryId: repositoryId as RepositoryId,
    rank: 0,
    weight: 1,
    memoryBytes: gib * GIB,
  };
}
function open(running: readonly WaitingEvaluation[], concurrency = 2) {
  const places = createEvaluationPlaces({ concurrency, budgetBytes: 8 * GIB });
  for (const each of running) {
    places.next([each]);
  }
  return places;
}

test('one that waits says its place and who runs', () => {
  const places = open([one(1), one(2)]);
  const waiting = [one(3), one(4)];

  expect(places.why(waiting).get(toEvaluationId(3))).toBe(
    'It is the next to be evaluated. Evaluations 1, 2 run, which is as many as schedule.eval_concurrency allows.',
  );
  expect(places.why(waiting).get(toEvaluationId(4))).toBe(
    'It is number 2 of 2 in line. Evaluations 1, 2 run, which is as many as schedule.eval_concurrency allows.',
  );
  expect(places.why(waiting).get(toEvaluationId(9))).toBeUndefined();
});

test('one that does not fit says how much is taken, and of whom it waits for the end', () => {
  const places = open([one(1, 6)], 3);
  const waiting = [one(2, 8), one(3, 1, 2)];
  places.next([one(2, 8)]);

  expect(places.next(waiting)).toBeUndefined();
  expect(places.why(waiting).get(toEvaluationId(2))).toBe(
    'It is the next to be evaluated. Evaluation 1 has to end first: it may need 8 GiB of the 8 GiB that all have together.',
  );
  expect(places.why(waiting).get(toEvaluationId(3))).toBe(
    'It is number 2 of 2 in line. Evaluation 1 may use 6 GiB of the 8 GiB that all have together (eval.memory_budget), and it 1 GiB.',
  );
});

test('with nothing in the way it says only that it is next', () => {
  expect(
    open([])
      .why([one(1)])
      .get(toEvaluationId(1)),
  ).toBe('It is the next to be evaluated.');
});

test('the repository that was served longest ago is next, however much waits', () => {
  const places = open([], 1);
  const waiting = [one(1), one(2), one(3, 4, 2)];

  const order: number[] = [];
  for (let left = waiting; left.length > 0; ) {
    const next = places.next(left);
    order.push(next?.id ?? 0);
    left = left.filter(({ id }) => id !== next?.id);
    places.ended(next?.id ?? toEvaluationId(0));
  }

  expect(order).toEqual([1, 3, 2]);
});
