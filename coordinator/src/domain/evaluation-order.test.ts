import { type RepositoryId, toEvaluationId } from '@argunix/shared/domain/ids';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type EvaluationRoom,
  type EvaluationSituation,
  evaluationLine,
  nextEvaluation,
  type WaitingEvaluation,
} from './evaluation-order.ts';

const BUDGET = 8;

const repository = (id: number): RepositoryId => id as RepositoryId;
function one(id: number, more: Partial<WaitingEvaluation> = {}): WaitingEvaluation {
  return {
    id: toEvaluationId(id),
    repositoryId: repository(1),
    rank: 0,
    weight: 1,
    memoryBytes: 1,
    ...more,
  };
}
function situation(more: Partial<EvaluationSituation>): EvaluationSituation {
  return {
    waiting: [],
    running: [],
    servedAt: new Map(),
    held: undefined,
    room: { concurrency: 2, budgetBytes: BUDGET },
    ...more,
  };
}
const line = (of: Partial<EvaluationSituation>): readonly number[] =>
  [...evaluationLine(situation(of))].map(({ id }) => id);

/** A queue that lives: what it starts runs until it is ended. */
function createQueue(room: EvaluationRoom) {
  const servedAt = new Map<RepositoryId, number>();
  const started: number[] = [];
  let state = { waiting: [] as WaitingEvaluation[], running: [] as WaitingEvaluation[] };
  let held: EvaluationSituation['held'];
  return {
    started,
    get running() {
      return state.running;
    },
    get held() {
      return held;
    },
    add(...some: readonly WaitingEvaluation[]): void {
      state = { ...state, waiting: [...state.waiting, ...some] };
    },
    start(): void {
      for (;;) {
        const decision = nextEvaluation({ ...state, servedAt, held, room });
        held = decision.held;
        if (decision.start === undefined) {
          return;
        }
        const { id, repositoryId } = decision.start;
        state = {
          waiting: state.waiting.filter((other) => other.id !== id),
          running: [...state.running, decision.start],
        };
        servedAt.set(repositoryId, started.length);
        started.push(id);
      }
    },
    end(id: number): void {
      state = { ...state, running: state.running.filter((other) => other.id !== id) };
    },
  };
}

test('a repository with five hundred waiting holds up another with one for one turn', () => {
  const many = Array.from({ length: 500 }, (_, at) => one(at + 1));
  const late = one(501, { repositoryId: repository(2) });

  expect(line({ waiting: [...many, late], running: [one(900)] })[0]).toBe(501);
  expect(line({ waiting: [...many, late] }).slice(0, 3)).toEqual([1, 501, 2]);
});

test('of repositories with equally many running, the one that was served longest ago is first, then the older one', () => {
  const waiting = [1, 2, 3].map((id) => one(id, { repositoryId: repository(id) }));

  expect(line({ waiting, servedAt: new Map([[repository(1), 7]]) })).toEqual([2, 3, 1]);
});

test('a weight of 2 is two at a time against one', () => {
  const waiting = [1, 2, 3, 4, 5, 6].map((id) =>
    one(id, id < 5 ? { weight: 2 } : { repositoryId: repository(2) }),
  );

  expect(line({ waiting })).toEqual([1, 5, 2, 6, 3, 4]);
});

test('within a repository its rank is before its age, between repositories only its age counts', () => {
  const waiting = [one(1, { rank: 2 }), one(3), one(2, { repositoryId: repository(2), rank: 1 })];

  expect(line({ waiting })).toEqual([2, 3, 1]);
});

test('one that needs the whole budget gets it as soon as what ran before has ended; nothing starts meanwhile', () => {
  const queue = createQueue({ concurrency: 4, budgetBytes: BUDGET });
  queue.add(one(1), one(2));
  queue.start();
  queue.add(one(3, { memoryBytes: BUDGET }));
  queue.start();
  queue.add(one(4, { repositoryId: repository(2) }));
  queue.start();
  queue.end(1);
  queue.start();
  expect(queue.started).toEqual([1, 2]);
  queue.end(2);
  queue.start();
  expect(queue.started).toEqual([1, 2, 3]);
  queue.end(3);
  queue.start();

  expect(queue.started).toEqual([1, 2, 3, 4]);
});

test('a small one passes a large one only where the large one loses nothing by it', () => {
  const queue = createQueue({ concurrency: 4, budgetBytes: BUDGET });
  queue.add(one(1, { memoryBytes: 4 }));
  queue.start();
  queue.add(one(2, { memoryBytes: 6 }), ...[3, 4, 5].map((id) => one(id, { memoryBytes: id === 5 ? 3 : 1 })));
  queue.start();

  // 4 + 1 + 1 now, 6 + 1 + 1 when the first has ended; a third small one would be one too many.
  expect(queue.started).toEqual([1, 3, 4]);
  queue.end(1);
  queue.start();
  expect(queue.started).toEqual([1, 3, 4, 2]);
});

test('a place that is held goes with whom it was held for', () => {
  const held = { id: toEvaluationId(9), after: new Set([toEvaluationId(1)]) };

  expect(nextEvaluation(situation({ waiting: [one(2)], running: [one(1)], held }))).toEqual({
    start: one(2),
    held: undefined,
  });
});

const anyWaiting = fc
  .array(
    fc.record({
      repositoryId: fc.integer({ min: 1, max: 4 }).map(repository),
      rank: fc.nat(2),
      weight: fc.constantFrom(0.5, 1, 2),
      memoryBytes: fc.integer({ min: 1, max: BUDGET }),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((all) => all.map((each, at) => one(at + 1, each)));
const anyRoom = fc.record({ concurrency: fc.integer({ min: 1, max: 4 }), budgetBytes: fc.constant(BUDGET) });

test('whatever waits: never too many, never too much, everything starts once, and the order of asking is the same', () => {
  fc.assert(
    fc.property(anyWaiting, anyRoom, fc.array(fc.nat(30), { minLength: 1 }), (waiting, room, choices) => {
      const queue = createQueue(room);
      const mirrored = createQueue(room);
      const arriving = [...waiting];
      let chosen = 0;
      const choose = (): number => {
        chosen += 1;
        return choices[chosen % choices.length] ?? 0;
      };
      while (queue.started.length < waiting.length) {
        const some = arriving.splice(0, 1 + choose());
        queue.add(...some);
        mirrored.add(...some.toReversed());
        queue.start();
        mirrored.start();
        expect(queue.running.length).toBeLessThanOrEqual(room.concurrency);
        expect(queue.running.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)).toBeLessThanOrEqual(
          BUDGET,
        );
        expect(queue.running.length).toBeGreaterThan(0);
        const ending = queue.running[choose() % queue.running.length];
        queue.end(ending?.id ?? 0);
        mirrored.end(ending?.id ?? 0);
      }
      expect(new Set(queue.started).size).toBe(waiting.length);
      expect(mirrored.started).toEqual(queue.started);
    }),
  );
});

test('whatever comes later: who is held a place starts when what ran before has ended', () => {
  fc.assert(
    fc.property(anyWaiting, anyRoom, (waiting, room) => {
      const queue = createQueue(room);
      queue.add(...waiting);
      queue.start();
      const { held } = queue;
      let newer = 1_000;
      for (const id of held?.after ?? []) {
        queue.end(id);
        newer += 1;
        queue.add(one(newer, { repositoryId: repository(newer) }));
        queue.start();
      }
      expect(held === undefined || queue.started.includes(held.id)).toBe(true);
    }),
  );
});

test('whatever the others have waiting: a repository waits for one turn of each other one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 3 }),
      (sizes, concurrency) => {
        const queue = createQueue({ concurrency, budgetBytes: 1_000 });
        let id = 0;
        for (const [at, size] of sizes.entries()) {
          queue.add(
            ...Array.from({ length: size }, () => {
              id += 1;
              return one(id, { repositoryId: repository(at + 1) });
            }),
          );
        }
        queue.start();
        queue.add(one(999, { repositoryId: repository(99) }));
        const before = queue.started.length;
        while (!queue.started.includes(999)) {
          queue.end(queue.running[0]?.id ?? 0);
          queue.start();
        }

        expect(queue.started.length - before).toBeLessThanOrEqual(sizes.length + 1);
      },
    ),
  );
});
