import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFakeChanges } from '../../test/fakes/changes.ts';
import { createFakeForge, type FakeForge, TROUBLES } from '../../test/fakes/fake-forge.ts';
import { type ForgeStores, keptLog, openForgeStores, SLUG } from '../../test/forge-fixture.ts';
import { received } from '../../test/store-fixture.ts';
import type { Login } from '../domain/forge-event.ts';
import { approveEvaluation } from './approve-evaluation.ts';
import { createForgeHealth, type ForgeHealth } from './forge-health.ts';
import { guardedForge } from './guarded-forge.ts';
import { createRequestJudge, type RequestGate, type RequestJudge } from './judge-requests.ts';

let stores: ForgeStores;
let fake: FakeForge;
let judge: RequestJudge;
let health: ForgeHealth;
let stopping: AbortController;
let allowlist: readonly string[] = [];
let isConfigured = true;
let queuedAgain = 0;
let requests = 0;

beforeAll(async () => {
  stores = await openForgeStores();
});
afterAll(async () => {
  await stores.close();
});
beforeEach(() => {
  fake = createFakeForge();
  stopping = new AbortController();
  const { signal } = stopping;
  const { clock } = stores;
  const log = keptLog();
  allowlist = [];
  isConfigured = true;
  queuedAgain = 0;
  requests += 1;
  health = createForgeHealth(
    { forge: fake.forge, clock, log, probeMs: 30_000, onChange: () => undefined },
    signal,
  );
  const gate = (): RequestGate => ({
    forge: guardedForge(fake.forge, health),
    health,
    slug: SLUG,
    allowlist,
  });
  judge = createRequestJudge(
    {
      ...stores,
      changes: createFakeChanges(),
      log,
      retryMs: 1_000,
      gateOf: () => (isConfigured ? gate() : undefined),
      onQueued: () => void (queuedAgain += 1),
    },
    signal,
  );
});
afterEach(async () => {
  stopping.abort();
  await judge.ended();
  await stores.database.write([
    {
      sql: "update evaluations set status = 'cancelled', finished_at = 1 where status = 'awaiting_approval'",
      parameters: [],
    },
  ]);
});

async function waiting(author: Login, pusher: Login | null, digit = 'a'): Promise<EvaluationId> {
  const delivery = await received(stores, digit, {
    prNumber: requests,
    isTrusted: false,
    people: { author, pusher, headName: 'topic' },
  });
  const opening = { status: 'awaiting_approval', awaits: 'forge', reason: 'Asking.' } as const;
  const id = await stores.deliveries.accept(delivery, stores.clock.now(), opening);
  if (id === undefined) {
    throw new Error('the delivery was not accepted');
  }
  return id;
}
async function judged(ms = 0): Promise<void> {
  judge.wake();
  await stores.clock.advance(ms);
}
const found = (id: EvaluationId) => {
  const {
    status = 'gone',
    awaits = null,
    isTrusted = false,
    reason = null,
  } = stores.evaluations.find(id) ?? {};
  return { status, awaits, isTrusted, reason };
};
const asked = (): number => fake.asked.get('mayPush') ?? 0;

describe('a request', () => {
  test('of people who may push goes on, and is trusted', async () => {
    fake.pushers.add('owner').add('colleague');
    const id = await waiting('owner', 'colleague');

    await judged();

    expect(found(id)).toEqual({ status: 'queued', awaits: null, isTrusted: true, reason: null });
    expect(queuedAgain).toBe(1);
  });

  test.each([
    ['whose author may not push', 'stranger', 'owner', 'stranger'],
    ['that a stranger pushed to', 'owner', 'stranger', 'stranger'],
    ['of which nobody knows who pushed', 'owner', null, 'not known'],
  ])('%s waits for approval, with the reason', async (_, author, pusher, reason) => {
    fake.pushers.add('owner');
    const id = await waiting(author, pusher);

    await judged();

    expect(found(id)).toMatchObject({ status: 'awaiting_approval', awaits: 'approval', isTrusted: false });
    expect(found(id).reason).toContain(reason);
    expect(queuedAgain).toBe(0);
  });

  test('of people on the allowlist goes on without a question to the forge', async () => {
    allowlist = ['listed'];
    fake.mood = () => 'unreachable';
    const id = await waiting('listed', 'listed');

    await judged();

    expect([found(id).status, asked()]).toEqual(['queued', 0]);
  });

  test('is asked about by one at a time, and no more when that is over', async () => {
    const id = await waiting('stranger', 'stranger');
    judge.wake();
    judge.wake();
    await judged();

    await judged(3_600_000);

    expect([found(id).awaits, asked()]).toEqual(['approval', 1]);
  });
});

describe('a forge that cannot answer', () => {
  test.each(TROUBLES)('%s widens no trust, and is asked again', async (trouble) => {
    fake.pushers.add('owner');
    fake.mood = (question) => (question === 'mayPush' ? trouble : undefined);
    const id = await waiting('owner', 'owner');
    await judged(100);
    expect(found(id)).toMatchObject({ status: 'awaiting_approval', awaits: 'forge', isTrusted: false });
    expect(found(id).reason).toContain('could not be asked yet');

    fake.mood = () => undefined;
    await judged(60_000);

    expect(found(id)).toMatchObject({ status: 'queued', isTrusted: true });
  });

  test('about one of two widens no trust by what it said of the other', async () => {
    fake.pushers.add('owner').add('colleague');
    fake.mood = (question, login) => (question === 'mayPush' && login === 'colleague' ? 'failed' : undefined);
    const id = await waiting('owner', 'colleague');

    await judged(3_600_000);

    expect(found(id)).toMatchObject({ status: 'awaiting_approval', awaits: 'forge', isTrusted: false });
  });

  test('is asked more and more seldom', async () => {
    fake.mood = () => 'forbidden';
    await waiting('owner', 'owner');
    await judged(3_600_000);
    expect(asked()).toBeLessThan(25);
  });

  test('for its credential is asked nothing until a probe works', async () => {
    fake.mood = () => 'unauthorized';
    const id = await waiting('owner', 'owner');
    await judged(3_600_000);
    expect(asked()).toBe(1);

    fake.pushers.add('owner');
    fake.mood = () => undefined;
    await health.resume();
    await stores.clock.advance(1_000);

    expect(found(id).status).toBe('queued');
  });

  test('is not waited for when the program ends', async () => {
    fake.mood = () => 'hang';
    const id = await waiting('owner', 'owner');
    await judged();

    stopping.abort();
    await judge.ended();

    expect(found(id)).toMatchObject({ status: 'awaiting_approval', awaits: 'forge' });
  });
});

describe('meanwhile', () => {
  test('a new push takes its place: the answer is of no use any more', async () => {
    fake.pushers.add('owner');
    fake.mood = (question) =>
      question === 'mayPush' ? stores.clock.sleep(1_000).then(() => undefined) : undefined;
    const id = await waiting('owner', 'owner');
    await judged(500);
    const newer = await waiting('owner', 'owner', 'b');
    await stores.evaluations.end(id, { supersededBy: newer }, 'Newer.', stores.clock.now());

    await judged(10_000);

    expect([found(id).status, found(newer).status]).toEqual(['superseded', 'queued']);
  });

  // The answer about nobody came after it, and made the request wait for approval for good.
  test.each([
    ['while the forge is asked', 500],
    ['before it is asked', 0],
    ['after it was asked', 5_000],
  ])('it becomes known who pushed, %s: the forge is asked about them', async (_, afterMs) => {
    fake.pushers.add('owner');
    fake.mood = (question) =>
      question === 'mayPush' ? stores.clock.sleep(1_000).then(() => undefined) : undefined;
    const id = await waiting('owner', null);
    if (afterMs > 0) {
      await judged(afterMs);
    } else {
      judge.wake();
    }

    expect(await stores.evaluations.identify(id, 'owner')).toBe(true);
    await judged(10_000);

    expect(found(id)).toMatchObject({ status: 'queued', isTrusted: true });
  });

  test('who pushed is said once: a later delivery changes nobody', async () => {
    const id = await waiting('owner', 'stranger');

    expect(await stores.evaluations.identify(id, 'owner')).toBe(false);
  });

  test('its repository leaves the configuration: nobody is asked, until it is back', async () => {
    fake.pushers.add('owner');
    isConfigured = false;
    const id = await waiting('owner', 'owner');
    await judged(3_600_000);
    expect([found(id).awaits, asked()]).toEqual(['forge', 0]);

    isConfigured = true;
    await judged();

    expect(found(id).status).toBe('queued');
  });

  test('a person approves it: the forge may say what it likes', async () => {
    fake.mood = (question) =>
      question === 'mayPush' ? stores.clock.sleep(1_000).then(() => undefined) : undefined;
    const id = await waiting('stranger', 'stranger');
    await judged(500);

    const verdict = await approveEvaluation({ ...stores, changes: createFakeChanges() }, id, 'operator');
    await judged(10_000);

    expect(verdict).toEqual({ kind: 'done' });
    expect(found(id)).toMatchObject({ status: 'queued', isTrusted: true });
  });
});

describe('an approval', () => {
  const approve = (id: EvaluationId) =>
    approveEvaluation({ ...stores, changes: createFakeChanges() }, id, 'operator');

  test('is of one head and does not carry over to the next', async () => {
    const id = await waiting('stranger', 'stranger');
    await judged();
    await approve(id);

    const next = await waiting('stranger', 'stranger', 'b');
    await judged();

    expect(found(next)).toMatchObject({ status: 'awaiting_approval', awaits: 'approval', isTrusted: false });
  });

  test('of what does not wait for one is refused, with what it is', async () => {
    const id = await waiting('stranger', 'stranger');
    await stores.evaluations.end(id, 'cancelled', 'Closed.', stores.clock.now());

    expect(await approve(id)).toEqual({
      kind: 'refused',
      reason: 'It does not wait for approval: it is cancelled.',
    });
    expect(await approve(999_999 as EvaluationId)).toEqual({ kind: 'not_found' });
    expect(found(id).isTrusted).toBe(false);
  });

  // A restart of what nobody had approved was built.
  test('is needed by a restart of what was never approved', async () => {
    const id = await waiting('stranger', 'stranger');
    await stores.evaluations.end(id, 'cancelled', 'Closed.', stores.clock.now());
    const again = (await stores.evaluations.restart(id, stores.clock.now())) ?? id;
    expect(found(again)).toMatchObject({ status: 'awaiting_approval', awaits: 'forge' });

    await judged();

    expect(found(again)).toMatchObject({ status: 'awaiting_approval', awaits: 'approval', isTrusted: false });
  });

  test('is not needed by a restart of what was approved', async () => {
    const id = await waiting('stranger', 'stranger');
    await approve(id);
    await stores.evaluations.end(id, 'cancelled', 'By hand.', stores.clock.now());

    const again = (await stores.evaluations.restart(id, stores.clock.now())) ?? id;

    expect(found(again)).toEqual({ status: 'queued', awaits: null, isTrusted: true, reason: null });
  });
});

test('two heads of one sha are two requests, and neither is asked about for the other', async () => {
  fake.pushers.add('owner');
  const one = await waiting('owner', 'owner');
  requests += 1;
  const other = await waiting('stranger', 'stranger');
  expect(stores.evaluations.ofRevision(stores.repository.id, 'a'.repeat(40) as Sha).length).toBeGreaterThan(
    1,
  );

  await judged();

  expect([found(one).isTrusted, found(other).isTrusted]).toEqual([true, false]);
});
