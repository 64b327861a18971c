/** Several evaluations of one revision: whose result each line shows. */
import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { JobEnding } from '@argunix/shared/domain/job-status';
import type { Sha } from '@argunix/shared/domain/sha';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFakeForge, type FakeForge } from '../../test/fakes/fake-forge.ts';
import { type ForgeStores, openForgeStores } from '../../test/forge-fixture.ts';
import { type ReportingHouse, reportingHouse } from '../../test/reporting-house.ts';

let stores: ForgeStores;
let fake: FakeForge;
let house: ReportingHouse;
let sha: Sha;
let revisions = 0;

beforeAll(async () => {
  stores = await openForgeStores();
});
afterAll(async () => {
  await stores.close();
});
beforeEach(() => {
  revisions += 1;
  sha = revisions.toString(16).padStart(40, 'a') as Sha;
  fake = createFakeForge();
  house = reportingHouse(stores, fake);
});
afterEach(async () => {
  await house.stop();
});

const PUSH = {};
const REQUEST = { prNumber: 7 };
const STRANGER = { prNumber: 8, isTrusted: false };

async function done(some: object, attrs: readonly string[], status: JobEnding): Promise<EvaluationId> {
  const id = await house.accept(sha, some);
  const jobIds = await house.build(id, attrs);
  await house.settle(id, jobIds, status);
  await house.finish(id);
  return id;
}
async function cancel(id: EvaluationId): Promise<void> {
  await stores.evaluations.end(id, 'cancelled', 'By hand.', stores.clock.now());
  await house.tell(id);
}
const lines = (): Readonly<Record<string, string>> => house.lines(sha);
const owner = (context = 'argunix: evaluation'): string | undefined =>
  fake.shown(sha).get(context)?.url.split('/')[3];

describe('a request of the revision that a push is of', () => {
  test('changes no line, neither while it builds nor by its end', async () => {
    const push = await done(PUSH, ['a'], 'success');
    const before = fake.told.length;

    await done(REQUEST, ['a'], 'failure');

    expect(fake.told.length).toBe(before);
    expect([lines(), owner()]).toEqual([{ evaluation: 'success', a: 'success' }, String(push)]);
  });

  test('gives its lines to a push that comes later, as soon as that has them', async () => {
    await done(REQUEST, ['a'], 'failure');

    const push = await house.accept(sha, PUSH);
    expect(lines()).toEqual({ evaluation: 'pending', a: 'failure' });
    const jobIds = await house.build(push, ['a']);
    expect(lines()).toEqual({ evaluation: 'pending', a: 'pending' });
    await house.settle(push, jobIds, 'success');
    await house.finish(push);

    expect(lines()).toEqual({ evaluation: 'success', a: 'success' });
  });

  test('shows what only it has', async () => {
    await done(PUSH, ['a'], 'success');

    await done(REQUEST, ['a', 'b'], 'failure');

    expect(lines()).toEqual({ evaluation: 'success', a: 'success', b: 'failure' });
  });

  test('is shown again when the push is cancelled', async () => {
    const request = await done(REQUEST, ['a'], 'failure');
    const push = await house.accept(sha, PUSH);
    await house.build(push, ['a']);
    expect(owner()).toBe(String(push));

    await cancel(push);

    expect([lines(), owner(), owner('argunix: a')]).toEqual([
      { evaluation: 'failure', a: 'failure' },
      String(request),
      String(request),
    ]);
  });
});

describe('a stranger', () => {
  test('takes no line from one who is trusted', async () => {
    const trusted = await done(REQUEST, ['a'], 'success');

    await done(STRANGER, ['a'], 'failure');

    expect([lines(), owner()]).toEqual([{ evaluation: 'success', a: 'success' }, String(trusted)]);
  });

  test('loses the lines to one who is trusted', async () => {
    await done(STRANGER, ['a'], 'success');

    await done(REQUEST, ['a'], 'failure');

    expect(lines()).toEqual({ evaluation: 'failure', a: 'failure' });
  });

  test('who waits for approval does not hide a result', async () => {
    await done(PUSH, ['a'], 'success');

    await house.accept(
      sha,
      { ...STRANGER, people: { author: 's', pusher: 's', headName: 'x' } },
      {
        status: 'awaiting_approval',
        awaits: 'approval',
        reason: 'A stranger.',
      },
    );

    expect(lines()).toEqual({ evaluation: 'success', a: 'success' });
  });
});

describe('two requests of one revision', () => {
  test('show the newer, and do not fight about it', async () => {
    const [older, newer] = [await house.accept(sha, REQUEST), await house.accept(sha, { prNumber: 9 })];
    const olderJobs = await house.build(older, ['a']);
    const newerJobs = await house.build(newer, ['a']);

    await house.settle(newer, newerJobs, 'success');
    await house.finish(newer);
    await house.settle(older, olderJobs, 'failure');
    await house.finish(older);
    await stores.clock.advance(3_600_000);

    expect([lines(), owner()]).toEqual([{ evaluation: 'success', a: 'success' }, String(newer)]);
    const states = fake.told
      .filter(({ context }) => context === 'argunix: evaluation')
      .map(({ state }) => state);
    expect(states.filter((state) => state !== 'pending')).toEqual(['success']);
  });

  test('of which the newer is superseded show the older again', async () => {
    const older = await done(REQUEST, ['a'], 'success');
    const newer = await house.accept(sha, { prNumber: 9 });
    const other = await house.accept(`b${sha.slice(1)}` as Sha, { prNumber: 9 });
    expect(lines()['evaluation']).toBe('pending');

    await stores.evaluations.end(newer, { supersededBy: other }, 'Newer.', stores.clock.now());
    await house.tell(newer);

    expect([lines(), owner()]).toEqual([{ evaluation: 'success', a: 'success' }, String(older)]);
    await cancel(other);
  });
});

describe('a restart', () => {
  test('shows its own result in place of the one before', async () => {
    const first = await done(PUSH, ['a'], 'failure');
    const second = await stores.evaluations.restart(first, stores.clock.now());
    await house.tell(second ?? first);
    expect(lines()).toEqual({ evaluation: 'pending', a: 'failure' });

    const jobIds = await house.build(second ?? first, ['a']);
    await house.settle(second ?? first, jobIds, 'success');
    await house.finish(second ?? first);

    expect([lines(), owner('argunix: a')]).toEqual([{ evaluation: 'success', a: 'success' }, String(second)]);
  });

  test('that is cancelled leaves the result of before, and no line of its own pending', async () => {
    const first = await done(PUSH, ['a'], 'failure');
    const second = (await stores.evaluations.restart(first, stores.clock.now())) ?? first;
    await house.tell(second);
    await house.build(second, ['a', 'b']);

    await cancel(second);

    expect(lines()).toEqual({ evaluation: 'failure', a: 'failure', b: 'cancelled' });
  });

  test('of one of which something is gone now leaves nothing pending', async () => {
    const first = await house.accept(sha, PUSH);
    await house.build(first, ['a', 'b']);
    await cancel(first);
    const second = (await stores.evaluations.restart(first, stores.clock.now())) ?? first;
    const jobIds = await house.build(second, ['a']);
    await house.settle(second, jobIds, 'success');
    await house.finish(second);

    expect(lines()).toEqual({ evaluation: 'success', a: 'success', b: 'cancelled' });
  });
});

test('a cancelled evaluation is shown where nobody else has a result', async () => {
  const first = await house.accept(sha, PUSH);
  await cancel(first);
  const second = await house.accept(sha, REQUEST);
  expect(lines()).toEqual({ evaluation: 'pending' });

  await cancel(second);

  expect(lines()).toEqual({ evaluation: 'cancelled' });
});
