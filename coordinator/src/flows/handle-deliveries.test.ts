import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import { AppError } from '@argunix/shared/kit/app-error';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFakeChanges } from '../../test/fakes/changes.ts';
import { createFakeDispatcher } from '../../test/fakes/fake-dispatcher.ts';
import { createFakeRoots } from '../../test/fakes/fake-store.ts';
import { silentMetrics } from '../../test/fakes/silent-metrics.ts';
import { type ForgeStores, type KeptLog, keptLog, openForgeStores } from '../../test/forge-fixture.ts';
import { MAIN, sha } from '../../test/store-fixture.ts';
import type { NewDelivery, NewItem } from '../ports/delivery-store.ts';
import { handleDeliveries, type Wishes } from './handle-deliveries.ts';
import { heedNotice } from './heed-notice.ts';
import { supersedeLeftovers, supersedeOlder } from './supersede-older.ts';

const COALESCE_MS = 5_000;
const LOOKBACK_MS = 600_000;
const NEXT = 'refs/heads/next' as GitRef;

let stores: ForgeStores;
let log: KeptLog;
let wishes: Wishes | undefined;
let dropsSuperseded = false;
let dies = false;
let gaps: RepositoryId[];
let heedWith: (() => Promise<string>) | undefined;

beforeAll(async () => {
  stores = await openForgeStores();
});
afterAll(async () => {
  await stores.close();
});
beforeEach(async () => {
  log = keptLog();
  wishes = { isWatched: (ref) => ref === MAIN || ref === NEXT, buildsRequests: true };
  dropsSuperseded = false;
  dies = false;
  heedWith = undefined;
  gaps = [];
  await stores.database.write(
    ['deliveries', 'evaluations', 'heads', 'requests'].map((table) => ({
      sql: `delete from ${table}`,
      parameters: [],
    })),
  );
});

const cancelPorts = () => ({
  ...stores,
  dispatcher: createFakeDispatcher(stores),
  roots: createFakeRoots(),
  changes: createFakeChanges(),
  log,
  metrics: silentMetrics,
  queue: { abort: () => undefined },
  dropsSuperseded: () => dropsSuperseded,
});
async function handle(): Promise<number> {
  const ports = cancelPorts();
  const never = () => Promise.reject(new Error('no button was pressed'));
  return await handleDeliveries({
    ...ports,
    coalesceMs: COALESCE_MS,
    lookbackMs: LOOKBACK_MS,
    wishesOf: () => wishes,
    onGap: (id) => void gaps.push(id),
    onAccepted: (subject) => (dies ? Promise.reject(new Error('killed')) : supersedeOlder(ports, subject)),
    heed: (notice) =>
      heedWith?.() ??
      heedNotice(
        {
          ...ports,
          restartJob: never,
          restartFailed: never,
          restartEvaluation: never,
          approve: () => undefined,
        },
        notice,
      ),
  });
}

function push(digit: string, some: Partial<NewDelivery> = {}): NewDelivery {
  return {
    repositoryId: stores.repository.id,
    kind: 'push',
    origin: 'hook',
    uid: null,
    receivedAt: stores.clock.now(),
    ref: MAIN,
    sha: sha(digit),
    prNumber: null,
    isTrusted: true,
    people: null,
    before: null,
    ...some,
  };
}
function request(digit: string, some: Partial<NewDelivery> = {}): NewDelivery {
  return push(digit, {
    kind: 'pull_request',
    prNumber: 7,
    isTrusted: false,
    people: { author: 'owner', pusher: 'owner', headName: 'topic' },
    ...some,
  });
}
function told(kind: 'deleted' | 'closed'): NewItem {
  const received = {
    repositoryId: stores.repository.id,
    origin: 'hook',
    uid: null,
    receivedAt: stores.clock.now(),
  } as const;
  return kind === 'closed' ? { ...received, kind, prNumber: 7 } : { ...received, kind, ref: MAIN };
}
/** Each is received and handled before the next; returns how many evaluations were made of each. */
async function oneByOne(...items: readonly NewItem[]): Promise<readonly number[]> {
  const made: number[] = [];
  for (const item of items) {
    await stores.deliveries.receiveOnce(item);
    made.push(await handle());
  }
  return made;
}
async function together(...items: readonly NewItem[]): Promise<number> {
  for (const item of items) {
    await stores.deliveries.receiveOnce(item);
  }
  return await handle();
}
const later = (ms: number): EpochMs => toEpochMs(stores.clock.now() + ms);
const living = (): readonly string[] =>
  stores.evaluations
    .living(['queued', 'awaiting_approval', 'evaluating', 'building'])
    .map((one) => one.sha.charAt(0));
async function finish(id: EvaluationId | undefined): Promise<void> {
  const known = id ?? (0 as EvaluationId);
  await stores.evaluations.begin(known, stores.clock.now());
  await stores.evaluations.startBuilding(known, stores.clock.now());
  await stores.evaluations.finish(known, 'success', stores.evaluations.counts(known), stores.clock.now());
}
const newestId = (): EvaluationId | undefined => stores.evaluations.unreported().at(-1)?.id;
const heads = (): readonly string[] =>
  stores.repositories.heads(stores.repository.id).map((head) => head.sha.charAt(0));
const requests = (): readonly string[] =>
  stores.repositories
    .requests(stores.repository.id)
    .map(({ number, headSha, baseRef }) => `${number} ${headSha.charAt(0)} ${baseRef}`);

describe('a duplicate', () => {
  test('of one delivery is not even stored, however late it comes', async () => {
    const first = push('1', { uid: 'delivery-1' });
    expect(await stores.deliveries.receiveOnce(first)).toBe(true);
    await handle();

    expect(await stores.deliveries.receiveOnce({ ...first, receivedAt: later(86_400_000) })).toBe(false);
    expect(await handle()).toBe(0);
  });

  test('id is one of its repository alone', async () => {
    await stores.deliveries.receiveOnce(push('1', { uid: 'delivery-1' }));

    const elsewhere = push('1', { uid: 'delivery-1', repositoryId: stores.plainRepository.id });

    expect(await stores.deliveries.receiveOnce(elsewhere)).toBe(true);
  });

  test.each([
    ['a push', push],
    ['a request', request],
  ])(
    'of %s that comes by another delivery makes nothing, within the window and after it',
    async (_, make) => {
      expect(await oneByOne(make('1'), make('1'), make('1', { receivedAt: later(3_600_000) }))).toEqual([
        1, 0, 0,
      ]);
    },
  );

  test('of what is waiting in the same page of the inbox makes nothing', async () => {
    expect(await together(push('1'), push('1'), request('1'), request('1'))).toBe(2);
  });

  test('told again and again, among others and after them, makes nothing, and all of it is settled', async () => {
    const some = [push('1'), push('2', { ref: NEXT }), request('3')];
    const again = Array.from({ length: 40 }, () => some).flat();

    expect(await together(...some, ...again)).toBe(3);
    expect(stores.deliveries.pending()).toEqual([]);
    expect([heads(), requests()]).toEqual([['1', '2'], ['7 3 refs/heads/main']]);
  });

  test('is none of a head that went on to something else in between', async () => {
    expect(await together(push('1'), push('1'), push('2'), push('2'), push('1'), push('1'))).toBe(3);
    expect(heads()).toEqual(['1']);
  });

  test('tells who pushed, where the first of the page did not', async () => {
    const unseen = { author: 'owner', pusher: null, headName: 'topic' };
    await together(request('1', { origin: 'look', people: unseen }), request('1'));

    expect(stores.evaluations.find(newestId() ?? (0 as EvaluationId))?.pusher).toBe('owner');
  });

  test('is none on another ref, with another number, or as a request', async () => {
    expect(
      await together(push('1'), push('1', { ref: NEXT }), request('1'), request('1', { prNumber: 8 })),
    ).toBe(4);
  });

  test('is none when somebody asked for it', async () => {
    expect(await oneByOne(push('1'), push('1', { kind: 'manual', origin: 'person' }))).toEqual([1, 1]);
  });
});

describe('a look and the forge', () => {
  test('tell of one push: the forge first', async () => {
    const seen = push('1', { origin: 'look', receivedAt: later(LOOKBACK_MS - 1_000) });

    expect(await oneByOne(push('1'), seen)).toEqual([1, 0]);
  });

  test('tell of one push: the look first', async () => {
    const late = push('1', { receivedAt: later(3_600_000) });

    expect(await oneByOne(push('1', { origin: 'look' }), late)).toEqual([1, 0]);
  });

  test('tell of one request: the look first, and then who pushed it is known', async () => {
    const unseen = { author: 'owner', pusher: null, headName: 'topic' };
    await oneByOne(request('1', { origin: 'look', people: unseen }));
    const id = newestId();
    await stores.evaluations.hold(id ?? (0 as EvaluationId), 'approval', 'Who pushed is not known.', null);

    expect(await oneByOne(request('1'))).toEqual([0]);

    expect(stores.evaluations.find(id ?? (0 as EvaluationId))).toMatchObject({
      awaits: 'forge',
      pusher: 'owner',
    });
  });

  test('of another head says nothing of who pushed this one', async () => {
    const unseen = { author: 'owner', pusher: null, headName: 'topic' };
    await oneByOne(request('1', { origin: 'look', people: unseen }));
    const id = newestId();

    await oneByOne(request('2'));

    expect(stores.evaluations.find(id ?? (0 as EvaluationId))).toMatchObject({
      status: 'superseded',
      pusher: null,
    });
  });

  test('agree afterwards on what is known', async () => {
    await oneByOne(push('1'), request('2'));

    expect([heads(), requests()]).toEqual([['1'], ['7 2 refs/heads/main']]);
  });

  test('of a push that was put back and found by a look: it is built, though not long ago it was', async () => {
    expect(await oneByOne(push('1'), push('2'))).toEqual([1, 1]);

    const seen = push('1', { origin: 'look', receivedAt: later(60_000) });

    expect(await oneByOne(seen)).toEqual([1]);
  });
});

describe('what went on and came back', () => {
  // Within the window the third was taken for the first, so that the second stayed the newest.
  test('is built again as a push, and known by its head', async () => {
    expect(await oneByOne(push('1'), push('2'), push('1'))).toEqual([1, 1, 1]);

    expect([living(), heads()]).toEqual([['1', '2', '1'], ['1']]);
  });

  test('is built again as a request, and the others give way', async () => {
    expect(await together(request('1'), request('2'), request('1'))).toBe(3);

    expect([living(), requests()]).toEqual([['1'], ['7 1 refs/heads/main']]);
  });

  test('is built again where a branch drops what is superseded', async () => {
    dropsSuperseded = true;

    expect(await together(push('1'), push('2'), push('1'))).toBe(3);

    expect(living()).toEqual(['1']);
  });
});

describe('out of order', () => {
  const from = (before: string, digit: string): NewDelivery => push(digit, { before: sha(before) });

  test('pushes that follow one another make nobody look, nor does one of a branch that is new', async () => {
    expect(await oneByOne(push('1'), from('1', '2'), from('2', '3'), from('3', '3'))).toEqual([1, 1, 1, 0]);
    await oneByOne(push('4', { ref: NEXT }), from('3', '5'));

    expect(gaps).toEqual([]);
    expect(heads()).toEqual(['5', '4']);
  });

  test('the branch is looked at, and what the look finds is its head, with the evaluation that it has', async () => {
    await oneByOne(push('1'));
    expect(await oneByOne(from('2', '3'), from('1', '2'))).toEqual([1, 1]);
    expect([heads(), gaps.length]).toEqual([['2'], 2]);

    expect(await oneByOne(push('3', { origin: 'look' }))).toEqual([0]);

    expect(heads()).toEqual(['3']);
  });

  test('heads of a request that come long after one another make nobody look, nor does a look itself', async () => {
    await oneByOne(request('1'), request('2', { receivedAt: later(COALESCE_MS) }), request('2'));
    await oneByOne(request('3', { origin: 'look' }), request('4', { prNumber: 8 }));

    expect(gaps).toEqual([]);
  });

  test('of which the first was never told: the branch is looked at', async () => {
    await oneByOne(push('1'), from('2', '3'));

    expect([heads(), gaps]).toEqual([['3'], [stores.repository.id]]);
  });

  test('a push that comes late is built, and the next look knows better', async () => {
    await oneByOne(push('2'), push('1'));
    expect(heads()).toEqual(['1']);

    await oneByOne(push('2', { origin: 'look', receivedAt: later(LOOKBACK_MS + 1_000) }));

    expect(heads()).toEqual(['2']);
    expect(living()).toContain('2');
  });

  test('a head of a request that comes late gives way to the next look', async () => {
    await oneByOne(request('2'), request('1'));
    expect(gaps).toEqual([stores.repository.id]);

    await oneByOne(request('2', { origin: 'look', receivedAt: later(300_000) }));

    expect([living(), requests()]).toEqual([['2'], ['7 2 refs/heads/main']]);
  });
});

describe('a request', () => {
  test('that is closed ends all of it, and is forgotten', async () => {
    await oneByOne(request('1'), told('closed'));

    expect([living(), requests()]).toEqual([[], []]);
  });

  test('that is opened again is built again', async () => {
    expect(await oneByOne(request('1'), told('closed'), request('1'))).toEqual([1, 0, 1]);

    expect(requests()).toEqual(['7 1 refs/heads/main']);
  });

  // It stayed unknown, so that a later look took it for new.
  test('that was built, closed and opened again keeps its result, and no look builds it', async () => {
    await oneByOne(request('1', { isTrusted: true }));
    await finish(newestId());

    expect(await oneByOne(told('closed'), request('1', { isTrusted: true }))).toEqual([0, 0]);

    expect(requests()).toEqual(['7 1 refs/heads/main']);
  });

  test('to another branch is built for that, and for the first no more', async () => {
    expect(await oneByOne(request('1'), request('1', { ref: NEXT }))).toEqual([1, 1]);

    expect([living(), requests()]).toEqual([['1'], ['7 1 refs/heads/next']]);
  });

  test('that is edited makes nothing', async () => {
    await oneByOne(request('1', { isTrusted: true }));
    await finish(newestId());

    const edits = [60_000, 3_600_000, 86_400_000].map((ms) =>
      request('1', { isTrusted: true, receivedAt: later(ms) }),
    );

    expect(await oneByOne(...edits)).toEqual([0, 0, 0]);
  });

  test('of its own repository is built at once, that of a stranger when the forge was asked', async () => {
    await oneByOne(request('1', { isTrusted: true }));
    expect(stores.evaluations.living(['queued'])).toHaveLength(1);

    await oneByOne(request('2', { prNumber: 8 }));

    expect(stores.evaluations.living(['awaiting_approval'])).toMatchObject([
      { awaits: 'forge', author: 'owner' },
    ]);
  });

  // It was built.
  test('of which nobody knows whose it is waits for approval', async () => {
    await oneByOne(request('1', { people: null }));

    expect(stores.evaluations.living(['awaiting_approval'])).toMatchObject([{ awaits: 'approval' }]);
  });
});

describe('nobody wants', () => {
  test('a ref that is not watched, and it stays news for the day when it is', async () => {
    wishes = { isWatched: () => false, buildsRequests: true };

    expect(await oneByOne(push('1'))).toEqual([0]);

    expect(heads()).toEqual([]);
  });

  test('requests where build_prs is off', async () => {
    wishes = { isWatched: () => true, buildsRequests: false };

    expect(await oneByOne(request('1'), push('1'))).toEqual([0, 1]);
  });

  test('anything of a repository that left the configuration, and says so', async () => {
    wishes = undefined;

    expect(await oneByOne(push('1'), request('1'))).toEqual([0, 0]);

    expect(stores.deliveries.pending()).toEqual([]);
  });
});

test('a branch that is deleted loses what waits of it, and is built when it comes back', async () => {
  await oneByOne(push('1'));
  await oneByOne(told('deleted'));
  expect([living(), heads()]).toEqual([[], []]);

  expect(await oneByOne(push('1'))).toEqual([1]);
});

describe('a program that is killed', () => {
  test('between an evaluation and the end of the older ones ends them at its next start', async () => {
    await oneByOne(request('1'));
    await stores.deliveries.receiveOnce(request('2'));
    dies = true;
    await expect(handle()).rejects.toThrow('killed');
    expect(living()).toEqual(['1', '2']);

    await supersedeLeftovers(cancelPorts());
    dies = false;

    expect([living(), await handle()]).toEqual([['2'], 0]);
  });

  test('before an item is handled handles it at its next start, once', async () => {
    await stores.deliveries.receiveOnce(push('1'));

    expect([await handle(), await handle()]).toEqual([1, 0]);
  });
});

describe('an item that meets', () => {
  // All that came after it waited for good.
  test('a mistake of ours keeps nothing waiting that came after it', async () => {
    heedWith = () => Promise.reject(new Error('a bug'));

    expect(await together(told('closed'), push('1'))).toBe(1);

    expect(log.said('error')).toHaveLength(1);
  });

  test('a store that fails is handled later', async () => {
    heedWith = () => Promise.reject(new AppError('store.failed', 'The disk is full.'));
    await stores.deliveries.receiveOnce(told('closed'));
    await expect(handle()).rejects.toMatchObject({ code: 'store.failed' });

    heedWith = undefined;
    await handle();

    expect(stores.deliveries.pending()).toEqual([]);
  });

  test('Nix that fails is a button that does nothing, and no reason for the others to wait', async () => {
    heedWith = () => Promise.reject(new AppError('nix.failed', 'The daemon is down.'));
    const pressed = {
      ...(told('closed') as object),
      kind: 'rerun',
      sha: sha('1'),
      of: null,
      by: 'owner',
    } as unknown as NewItem;

    expect(await together(pressed, push('1'))).toBe(1);
  });
});

test('a hundred requests are handled in the order of their coming, each once', async () => {
  const many = Array.from({ length: 100 }, (_, at) =>
    request('1', { prNumber: 100 + (at % 25), sha: at.toString(16).padStart(40, 'f') as Sha }),
  );

  expect(await together(...many)).toBe(100);

  const newest = stores.evaluations
    .living(['awaiting_approval'])
    .map((one) => Number.parseInt(one.sha.slice(-2), 16));
  expect(newest.toSorted((one, other) => one - other)).toEqual(
    Array.from({ length: 25 }, (_, at) => 75 + at),
  );
});
