/** Whatever is wanted, however the forge answers and whenever the program ends: the forge hears each line in order. */
import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import { array, asyncProperty, check, constant, constantFrom, integer, oneof, record } from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeForge, type FakeForge, type Mood, type Question } from '../fakes/fake-forge.ts';
import { type ForgeStores, openForgeStores } from '../forge-fixture.ts';
import { type OutboxHouse, outboxHouse, wantedCheck } from '../outbox-house.ts';
import { queued } from '../store-fixture.ts';

let stores: ForgeStores;
let evaluationId: EvaluationId;
beforeAll(async () => {
  stores = await openForgeStores();
  evaluationId = await queued(stores);
});
afterAll(async () => {
  await stores.close();
});

const LINES = ['argunix: evaluation', 'argunix: a', 'argunix: b'];
const ANSWERS = [
  'good',
  'good',
  'slow',
  'unauthorized',
  'forbidden',
  'rate-limited',
  'unreachable',
  'failed',
  'refused',
  'lost',
  'hang',
] as const;
type Answer = (typeof ANSWERS)[number];

const move = oneof(
  {
    weight: 6,
    arbitrary: record({
      kind: constant('want'),
      line: integer({ min: 0, max: 2 }),
      state: constantFrom('pending', 'success', 'failure'),
    }),
  },
  {
    weight: 3,
    arbitrary: record({
      kind: constant('answer'),
      answers: array(constantFrom(...ANSWERS), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 4, arbitrary: record({ kind: constant('wait'), ms: constantFrom(0, 1, 700, 1_500, 40_000) }) },
  { weight: 1, arbitrary: record({ kind: constant('restart') }) },
  { weight: 1, arbitrary: record({ kind: constant('token') }) },
  { weight: 1, arbitrary: record({ kind: constant('resume') }) },
);
type Move = typeof move extends { generate: (...some: never[]) => { value: infer One } } ? One : never;

let revisions = 0;

/** One life of an outbox. It notes what must not be in `faults`. */
class Life {
  readonly sha: Sha;
  readonly fake: FakeForge = createFakeForge({ usesHandles: true });
  readonly house: OutboxHouse;
  readonly wanted = new Map<string, number>();
  readonly answers: Answer[] = [];
  #serial = 0;
  #hasToken = true;
  #heardRefusalAt = Number.POSITIVE_INFINITY;
  #limitedUntil = 0;
  /** Fewer than make a line be given up. */
  #refusals = 0;

  constructor() {
    revisions += 1;
    this.sha = revisions.toString(16).padStart(40, '0') as Sha;
    this.fake.mood = (question) => this.#moodFor(question);
    this.fake.retryAfterMs = 20_000;
    this.house = outboxHouse(stores, this.fake);
  }

  #moodFor(question: Question): Mood {
    const now = stores.clock.now();
    if (question === 'probe') {
      if (this.#hasToken) {
        this.#heardRefusalAt = Number.POSITIVE_INFINITY;
      }
      return this.#hasToken ? undefined : 'unauthorized';
    }
    if (now > this.#heardRefusalAt) {
      this.fake.faults.push('something was sent while the forge was paused');
    }
    if (now < this.#limitedUntil && now > this.#limitedUntil - 20_000) {
      this.fake.faults.push('something was sent during a rate limit');
    }
    const answer = this.answers.shift() ?? 'good';
    this.#hasToken &&= answer !== 'unauthorized';
    if (!this.#hasToken) {
      this.#heardRefusalAt = Math.min(now, this.#heardRefusalAt);
      return 'unauthorized';
    }
    if (answer === 'rate-limited') {
      this.#limitedUntil = now + 20_000;
    }
    if (answer === 'refused') {
      this.#refusals += 1;
      return this.#refusals < 5 ? 'refused' : undefined;
    }
    return answer === 'slow' ? stores.clock.sleep(900).then(() => undefined) : toMood(answer);
  }

  async want(line: string, state: 'pending' | 'success' | 'failure'): Promise<void> {
    this.#serial += 1;
    this.wanted.set(line, this.#serial);
    const wanted = wantedCheck(evaluationId, line, state, String(this.#serial));
    await stores.checks.want(stores.repository.id, this.sha, [wanted], [], stores.clock.now());
    this.house.poster.wake();
  }

  /** The next has to hear for itself what the one before was told. */
  async restart(): Promise<void> {
    await this.house.stop();
    this.#heardRefusalAt = Number.POSITIVE_INFINITY;
    this.#limitedUntil = 0;
    this.house.start();
  }

  giveToken(): void {
    this.#hasToken = true;
  }
}

function toMood(answer: Exclude<Answer, 'slow'>): Mood {
  return answer === 'good' ? undefined : answer;
}

async function live(moves: readonly Move[]): Promise<void> {
  const life = new Life();
  const { clock, checks } = stores;
  for (const one of moves) {
    await make(life, one);
  }
  life.answers.length = 0;
  life.giveToken();
  // What hangs does so until the next start.
  await life.restart();
  for (let tries = 0; tries < 20 && checks.backlog().length > 0; tries += 1) {
    await clock.advance(600_000);
  }
  await life.house.stop();

  const told = Map.groupBy(life.fake.told, ({ context }) => context);
  const serials = [...told].map(
    ([context, some]) => [context, some.map(({ description }) => Number(description))] as const,
  );
  expect(life.fake.faults).toEqual([]);
  for (const [context, heard] of serials) {
    expect([context, heard]).toEqual([context, heard.toSorted((a, b) => a - b)]);
  }
  expect(new Map(serials.map(([context, heard]) => [context, heard.at(-1)]))).toEqual(life.wanted);
  expect(checks.backlog()).toEqual([]);
}

async function make(life: Life, one: Move): Promise<void> {
  switch (one.kind) {
    case 'want':
      await life.want(LINES[one.line] ?? '', one.state);
      return;
    case 'answer':
      life.answers.push(...one.answers);
      return;
    case 'wait':
      await stores.clock.advance(one.ms);
      return;
    case 'restart':
      await life.restart();
      return;
    case 'token':
      life.giveToken();
      return;
    case 'resume':
      await life.house.health.resume();
  }
}

test('every line is heard in order, never twice at once, and ends with what was wanted last', async () => {
  const property = asyncProperty(array(move, { minLength: 5, maxLength: 40 }), live);

  const { counterexample, errorInstance, numRuns } = await check(property, { numRuns: 60 });

  expect(errorInstance, JSON.stringify(counterexample)).toBeFalsy();
  expect(numRuns).toBe(60);
}, 60_000);
