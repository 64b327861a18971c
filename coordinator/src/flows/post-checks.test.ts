import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import { AppError } from '@argunix/shared/kit/app-error';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFakeForge, type FakeForge, type Mood, type Trouble } from '../../test/fakes/fake-forge.ts';
import { type ForgeStores, openForgeStores, SLUG } from '../../test/forge-fixture.ts';
import { type OutboxHouse, outboxHouse, PACE, PROBE_MS, wantedCheck } from '../../test/outbox-house.ts';
import { queued } from '../../test/store-fixture.ts';
import type { CheckState } from '../ports/forge.ts';

let stores: ForgeStores;
let fake: FakeForge;
let house: OutboxHouse;
let evaluationId: EvaluationId;
let sha: Sha;
let revisions = 0;

beforeAll(async () => {
  stores = await openForgeStores();
  evaluationId = await queued(stores);
});
afterAll(async () => {
  await stores.close();
});
beforeEach(() => {
  revisions += 1;
  sha = revisions.toString(16).padStart(40, '0') as Sha;
  fake = createFakeForge();
  house = outboxHouse(stores, fake);
});
afterEach(async () => {
  await house.stop();
  await stores.database.write([{ sql: 'delete from checks', parameters: [] }]);
});

async function want(context: string, state: CheckState, description?: string): Promise<void> {
  const { checks, repository, clock } = stores;
  const wanted = wantedCheck(evaluationId, context, state, description);
  await checks.want(repository.id, sha, [wanted], [], clock.now());
  house.poster.wake();
}
async function tell(context: string, state: CheckState, description?: string): Promise<void> {
  await want(context, state, description);
  await stores.clock.advance(0);
}
const posts = (): number => fake.asked.get('post') ?? 0;
const told = (): readonly string[] => fake.told.map(({ context, state }) => `${context} ${state}`);
const backlog = (): number => stores.checks.backlog()[0]?.count ?? 0;
function once(...moods: Mood[]): void {
  fake.mood = (question) => (question === 'post' ? moods.shift() : undefined);
}
async function slow(ms: number, trouble?: Trouble): Promise<Trouble | undefined> {
  await stores.clock.sleep(ms);
  return trouble;
}
function always(trouble: Trouble, context = ''): void {
  fake.mood = (question, about) => (question === 'post' && about.endsWith(context) ? trouble : undefined);
}

describe('the outbox', () => {
  test('tells what is wanted once, verdicts before what is pending, and then is silent', async () => {
    await house.stop();
    await want('argunix: a', 'pending');
    await want('argunix: b', 'success');
    await want('argunix: evaluation', 'pending');
    house = outboxHouse(stores, fake, { pace: { ...PACE, atOnce: 1 } });

    await stores.clock.advance(86_400_000);

    expect(told()).toEqual(['argunix: evaluation pending', 'argunix: b success', 'argunix: a pending']);
    expect([posts(), backlog()]).toEqual([3, 0]);
  });

  test('hands back what the forge answered for the line before', async () => {
    await house.stop();
    fake = createFakeForge({ usesHandles: true });
    house = outboxHouse(stores, fake);

    await tell('argunix: a', 'pending');
    await tell('argunix: a', 'success');

    expect(fake.told.map(({ handle }) => handle)).toEqual([null, '1']);
  });

  test('says only the last of what came while the line was being told', async () => {
    once(slow(10_000));
    await tell('argunix: a', 'pending');
    await tell('argunix: a', 'failure');
    await tell('argunix: a', 'success');
    await stores.clock.advance(10_000);

    expect(told()).toEqual(['argunix: a pending', 'argunix: a success']);
    expect(fake.faults).toEqual([]);
  });

  // It looked again each millisecond until the forge had answered.
  test('waits for an answer without looking at the store again and again', async () => {
    once(slow(60_000));
    await tell('argunix: a', 'pending');
    const { reads } = stores.database;
    const { wakings } = stores.clock;

    await stores.clock.advance(59_000);

    expect([stores.clock.wakings - wakings, stores.database.reads - reads]).toEqual([0, 0]);
  });

  test('takes up more than one page of what is due', async () => {
    await house.stop();
    const many = Array.from({ length: 200 }, (_, at) => `argunix: ${at}`);
    const wanted = many.map((context) => wantedCheck(evaluationId, context, 'success'));
    await stores.checks.want(stores.repository.id, sha, wanted, [], stores.clock.now());

    house.start();
    await stores.clock.advance(1);

    expect(fake.told.map(({ context }) => context).toSorted()).toEqual(many.toSorted());
  });

  test('keeps the gap between two lines', async () => {
    await house.stop();
    await want('argunix: a', 'success');
    await want('argunix: b', 'success');
    house = outboxHouse(stores, fake, { pace: { ...PACE, gapMs: 750 } });

    await stores.clock.advance(749);
    expect(posts()).toBe(1);
    await stores.clock.advance(2);
    expect(posts()).toBe(2);
  });

  test('what was under way when the program ended is told by the next', async () => {
    once('hang');
    await tell('argunix: a', 'success');
    await house.stop();

    house.start();
    await stores.clock.advance(0);

    expect(told()).toEqual(['argunix: a success']);
  });

  // It was given up as of a repository that is not known, when it was asked for before the repositories were read.
  test('a line whose repository is not known yet is told when it is', async () => {
    await house.stop();
    let isKnown = false;
    house = outboxHouse(stores, fake, { slugOf: () => (isKnown ? SLUG : undefined) });

    await tell('argunix: a', 'success');
    isKnown = true;
    await stores.clock.advance(60_000);

    expect([posts(), backlog()]).toEqual([1, 0]);
  });

  test('a verdict is told although its summary cannot be made', async () => {
    await house.stop();
    fake = createFakeForge({ showsMarkdown: true });
    house = outboxHouse(stores, fake, { summaryOf: () => Promise.reject(new Error('no such log')) });

    await tell('argunix: a', 'failure');

    expect(fake.told).toMatchObject([{ state: 'failure', summary: null }]);
    expect(house.log.said('warn')).toHaveLength(1);
  });
});

describe('a credential that does not work', () => {
  test('loses nothing, and nothing more is sent until a probe works', async () => {
    fake.mood = () => 'unauthorized';
    await tell('argunix: a', 'pending');
    expect(house.health.pause?.reason).toContain('unauthorized');
    const before = posts();
    await tell('argunix: b', 'success');
    await tell('argunix: a', 'failure');
    await stores.clock.advance(3_600_000);
    expect(posts()).toBe(before);
    expect(fake.asked.get('probe')).toBeGreaterThan(5);
    expect(fake.asked.get('probe')).toBe(fake.refreshed);

    fake.mood = () => undefined;
    await stores.clock.advance(600_000);

    expect(house.health.pause).toBeUndefined();
    expect(told().toSorted()).toEqual(['argunix: a failure', 'argunix: b success']);
    expect(backlog()).toBe(0);
    expect(house.log.said('error')).toEqual(['a forge refuses our credential and is paused']);
  });

  test('is tried at once by hand, and everything that is owed is told', async () => {
    fake.mood = () => 'unauthorized';
    await tell('argunix: a', 'success');
    expect(await house.health.resume()).toContain('unauthorized');
    expect(posts()).toBe(1);

    fake.mood = () => undefined;
    expect(await house.health.resume()).toBeUndefined();
    await stores.clock.advance(0);

    expect(told()).toEqual(['argunix: a success']);
  });

  test('is not counted against the line', async () => {
    for (let pauses = 0; pauses < 8; pauses += 1) {
      once('unauthorized');
      await tell('argunix: a', 'failure', `try ${pauses}`);
      await house.health.resume();
    }
    await stores.clock.advance(0);

    expect(fake.told.at(-1)).toMatchObject({ description: 'try 7' });
  });
});

describe('a rate limit', () => {
  test('holds every line of the forge until it is over', async () => {
    once('rate-limited');
    fake.retryAfterMs = 120_000;
    await tell('argunix: a', 'success');
    await tell('argunix: b', 'success');
    await stores.clock.advance(119_000);
    expect(posts()).toBe(1);

    await stores.clock.advance(2_000);

    expect(told().toSorted()).toEqual(['argunix: a success', 'argunix: b success']);
    expect(house.health.pause).toBeUndefined();
  });

  test('that names no time is no reason to ask again at once', async () => {
    always('rate-limited');
    fake.retryAfterMs = undefined;
    await tell('argunix: a', 'success');
    fake.retryAfterMs = 'soon';
    await stores.clock.advance(60_000);

    expect(posts()).toBeLessThanOrEqual(61);
  });

  test('is not cut short by trouble that another line meets meanwhile', async () => {
    once(slow(10, 'rate-limited'), slow(1_000, 'failed'));
    fake.retryAfterMs = 120_000;
    await want('argunix: a', 'success');
    await want('argunix: b', 'success');
    await stores.clock.advance(119_000);

    expect(posts()).toBe(2);
  });
});

describe('trouble of one line', () => {
  test.each(['forbidden', 'refused'] as const)('%s holds only that line', async (trouble) => {
    always(trouble, 'argunix: a');
    await tell('argunix: a', 'success');
    await tell('argunix: b', 'success');

    expect(told()).toEqual(['argunix: b success']);
  });

  test('a right that is missing is tried again, more and more seldom, until it is there', async () => {
    always('forbidden');
    await tell('argunix: a', 'success');
    await stores.clock.advance(2 * 86_400_000);
    expect(posts()).toBeLessThan(2 * 24 + 15);

    fake.mood = () => undefined;
    await stores.clock.advance(3_600_000);

    expect(told()).toEqual(['argunix: a success']);
  });

  test('what is refused five times is given up, with one line in the log', async () => {
    always('refused');
    await tell('argunix: a', 'success');
    await stores.clock.advance(2 * 86_400_000);

    expect([posts(), backlog()]).toEqual([5, 0]);
    expect(house.log.said('error')).toEqual(['a forge does not take a check']);
  });

  test('what was given up is told when something else is to be shown', async () => {
    always('refused');
    await tell('argunix: a', 'pending');
    await stores.clock.advance(86_400_000);

    fake.mood = () => undefined;
    await tell('argunix: a', 'success');

    expect(told()).toEqual(['argunix: a success']);
  });

  // After an outage the first refusal was the last.
  test('an outage before a refusal does not count as refusals', async () => {
    always('unreachable');
    await tell('argunix: a', 'success');
    await stores.clock.advance(3_600_000);
    once('refused', 'refused', 'refused', 'refused');

    await stores.clock.advance(3_600_000);

    expect(told()).toEqual(['argunix: a success']);
  });

  // The wait of what could not be told went over to what was to be told next.
  test('a new state does not wait for what the one before met while it was told', async () => {
    once(...Array<Mood>(6).fill('forbidden'), slow(1_000, 'forbidden'));
    await tell('argunix: a', 'pending');
    while (posts() < 7) {
      await stores.clock.advance(100);
    }

    await want('argunix: a', 'success');
    await stores.clock.advance(1_000);

    expect(told()).toEqual(['argunix: a success']);
  });
});

describe('an outage', () => {
  test.each(['unreachable', 'failed'] as const)('%s is over within minutes of its end', async (trouble) => {
    always(trouble);
    for (let line = 0; line < 6; line += 1) {
      await want(`argunix: ${line}`, 'success');
    }
    await stores.clock.advance(6 * 3_600_000);
    expect(posts()).toBeLessThan(6 * 90);

    fake.mood = () => undefined;
    await stores.clock.advance(310_000);

    expect([fake.told.length, backlog()]).toEqual([6, 0]);
  });

  test('lines that meet it at the same moment count as one', async () => {
    always('unreachable');
    for (let line = 0; line < 4; line += 1) {
      await want(`argunix: ${line}`, 'success');
    }
    await stores.clock.advance(10);
    fake.mood = () => undefined;

    await stores.clock.advance(1_100);

    expect(fake.told.length).toBe(4);
  });

  test('one line that always fails does not keep the others waiting', async () => {
    always('failed', 'argunix: evaluation');
    await tell('argunix: evaluation', 'success');
    for (let line = 0; line < 10; line += 1) {
      await want(`argunix: ${line}`, 'success');
    }

    await stores.clock.advance(600_000);

    expect([fake.told.length, backlog()]).toEqual([10, 1]);
  });

  test('of the store does not end the outbox', async () => {
    await want('argunix: a', 'success');
    stores.database.failWith(() => new AppError('store.failed', 'The disk is full.'));
    await stores.clock.advance(0);
    expect(posts()).toBe(1);
    stores.database.failWith(undefined);

    await stores.clock.advance(60_000);

    expect(backlog()).toBe(0);
    expect(posts()).toBe(2);
  });
});

test('a forge that is paused is probed with growing waits', async () => {
  fake.mood = () => 'unauthorized';
  await tell('argunix: a', 'success');
  const probes: number[] = [];
  for (let minute = 0; minute < 60; minute += 1) {
    await stores.clock.advance(60_000);
    probes.push(fake.asked.get('probe') ?? 0);
  }

  expect(probes[0]).toBe(1);
  expect(probes.at(-1)).toBeLessThan(3_600_000 / PROBE_MS / 8);
});
