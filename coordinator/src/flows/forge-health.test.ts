import { AppError } from '@argunix/shared/kit/app-error';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFakeForge, type FakeForge } from '../../test/fakes/fake-forge.ts';
import { createManualClock, type ManualClock } from '../../test/fakes/manual-clock.ts';
import { type KeptLog, keptLog } from '../../test/forge-fixture.ts';
import { AT } from '../../test/store-fixture.ts';
import { createForgeHealth, type ForgeHealth } from './forge-health.ts';

const PROBE_MS = 30_000;
const REFUSED = new AppError('forge.unauthorized', 'The token expired.');

let clock: ManualClock;
let fake: FakeForge;
let log: KeptLog;
let stopping: AbortController;
let health: ForgeHealth;
let changes = 0;

beforeEach(() => {
  clock = createManualClock(AT, async () => await new Promise((resolve) => setImmediate(resolve)));
  fake = createFakeForge();
  log = keptLog();
  stopping = new AbortController();
  changes = 0;
  health = createForgeHealth(
    { forge: fake.forge, clock, log, probeMs: PROBE_MS, onChange: () => void (changes += 1) },
    stopping.signal,
  );
});
afterEach(() => stopping.abort());

const refused = (): Promise<never> => Promise.reject(REFUSED);
const probes = (): number => fake.asked.get('probe') ?? 0;
async function pause(): Promise<void> {
  fake.mood = () => 'unauthorized';
  await expect(health.ask(refused)).rejects.toBe(REFUSED);
}

describe('a forge that refuses our credential', () => {
  test('is asked nothing, and everyone is told since when and why', async () => {
    await pause();
    let sent = 0;

    const asked = health.ask(() => {
      sent += 1;
      return Promise.resolve();
    });

    await expect(asked).rejects.toMatchObject({ code: 'forge.unauthorized' });
    expect(sent).toBe(0);
    expect(health.pause).toEqual({ since: AT, reason: 'The token expired.', nextProbeAt: AT + PROBE_MS });
    expect(changes).toBe(1);
    expect(log.said('error')).toHaveLength(1);
  });

  test('works again by the first probe that works, for everyone who waited', async () => {
    await pause();
    const waited = health.working(stopping.signal);
    fake.mood = () => undefined;

    await clock.advance(PROBE_MS);

    await waited;
    expect(health.pause).toBeUndefined();
    expect([probes(), fake.refreshed]).toEqual([1, 1]);
    await expect(health.ask(() => Promise.resolve('yes'))).resolves.toBe('yes');
  });

  test('stays paused while a probe meets other trouble, and says which', async () => {
    await pause();
    fake.mood = () => 'unreachable';

    await clock.advance(PROBE_MS);

    expect(health.pause?.reason).toContain('unreachable');
    expect(health.pause?.since).toBe(AT);
  });

  test('is probed more and more seldom, and every ten minutes at least', async () => {
    await pause();
    await clock.advance(3_600_000);
    const before = probes();
    expect(before).toBeLessThan(13);

    await clock.advance(3_600_000);

    expect(probes() - before).toBe(6);
  });

  test('is probed no more when the program ends', async () => {
    await pause();

    stopping.abort();
    await clock.advance(3_600_000);

    expect(probes()).toBe(0);
    await expect(health.working(stopping.signal)).resolves.toBeUndefined();
  });
});

describe('by hand', () => {
  // The wait was cut short by it, which made it probe a second time at once.
  test('a probe that fails is one request, and the next comes as late as after any other', async () => {
    await pause();

    expect(await health.resume()).toContain('unauthorized');
    await clock.advance(PROBE_MS - 1);
    expect(probes()).toBe(1);
    await clock.advance(1);
    expect(probes()).toBe(2);
  });

  test('a probe that works ends the pause at once', async () => {
    await pause();
    fake.mood = () => undefined;

    expect(await health.resume()).toBeUndefined();

    expect(health.pause).toBeUndefined();
  });

  test('a forge that is not paused may be probed too, and is not paused by what comes of it', async () => {
    fake.mood = () => 'unreachable';

    expect(await health.resume()).toContain('unreachable');

    expect(health.pause).toBeUndefined();
  });
});

// It paused the forge anew for the token of before, for half a minute and with an alarm.
test('a refusal of what was asked before the pause ended does not pause the forge again', async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  const slow = health.ask(() => promise);
  await pause();
  fake.mood = () => undefined;
  await health.resume();

  reject(REFUSED);

  await expect(slow).rejects.toBe(REFUSED);
  expect(health.pause).toBeUndefined();
});

test('a refusal after a resume pauses the forge again', async () => {
  await pause();
  fake.mood = () => undefined;
  await health.resume();

  await pause();

  expect(health.pause).toBeDefined();
});

test('other trouble pauses nothing', async () => {
  for (const code of ['forge.forbidden', 'forge.rate-limited', 'forge.unreachable'] as const) {
    const trouble = new AppError(code, 'No.');
    await expect(health.ask(() => Promise.reject(trouble))).rejects.toBe(trouble);
  }

  expect(health.pause).toBeUndefined();
});
