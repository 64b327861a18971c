import type { GitRef } from '@argunix/shared/domain/git-ref';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFakeForge, type FakeForge, TROUBLES } from '../../test/fakes/fake-forge.ts';
import { type ForgeStores, keptLog, openForgeStores, SLUG } from '../../test/forge-fixture.ts';
import { MAIN, sha } from '../../test/store-fixture.ts';
import { openHookSecrets } from '../adapters/forge/hook-secrets.ts';
import type { OpenRequest } from '../domain/forge-event.ts';
import type { HookSecrets } from '../ports/hook-secrets.ts';
import { type Tended, type TendPorts, tendRepository } from './tend-repository.ts';

let stores: ForgeStores;
let secrets: HookSecrets;
let fake: FakeForge;
let firstLooks: TendPorts['firstLooks'];
let stopping: AbortController;
let hasHook = true;
let buildsRequests = true;
let facts = 0;

beforeAll(async () => {
  stores = await openForgeStores();
  secrets = await openHookSecrets(stores.stateDir);
});
afterAll(async () => {
  await stores.close();
});
beforeEach(async () => {
  fake = createFakeForge();
  firstLooks = new Map();
  stopping = new AbortController();
  hasHook = true;
  buildsRequests = true;
  facts = 0;
  await stores.database.write([
    ...['deliveries', 'requests', 'hooks', 'evaluations'].map((table) => ({
      sql: `delete from ${table}`,
      parameters: [],
    })),
    { sql: 'update repositories set is_private = null, web_url = null', parameters: [] },
  ]);
  await stores.hookStore.ensure(
    { id: 'opaque', forge: 'forge', repositoryId: stores.repository.id },
    stores.clock.now(),
  );
});

async function tend(): Promise<Tended> {
  return await tendRepository(
    {
      ...stores,
      forge: fake.forge,
      hooks: fake.hooks,
      store: stores.hookStore,
      secrets,
      log: keptLog(),
      externalUrl: 'https://ci.test',
      firstLooks,
      onFacts: () => void (facts += 1),
    },
    {
      repository: stores.repository,
      slug: SLUG,
      buildsRequests,
      hook: () => (hasHook ? (stores.hookStore.all()[0] ?? null) : null),
      isHookInDoubt: () => false,
    },
    stopping.signal,
  );
}
function open(number: number, digit: string, some: Partial<OpenRequest> = {}): OpenRequest {
  return {
    number,
    headSha: sha(digit),
    headName: 'topic',
    baseRef: MAIN,
    isFromHere: false,
    author: 'owner',
    isDraft: false,
    ...some,
  };
}
const inbox = (): readonly string[] =>
  stores.deliveries
    .pending()
    .map((item) =>
      item.kind === 'pull_request'
        ? `${item.prNumber} ${item.sha[0]}`
        : `${item.kind} ${'prNumber' in item ? item.prNumber : ''}`,
    );
/** As if the inbox had been handled. */
async function accept(): Promise<void> {
  for (const item of stores.deliveries.pending()) {
    await (item.kind === 'pull_request'
      ? stores.deliveries.accept(item, stores.clock.now())
      : stores.deliveries.settle(item, 'done', stores.clock.now()));
  }
}
async function known(...requests: readonly OpenRequest[]): Promise<void> {
  fake.requests = [...requests];
  await tend();
  await accept();
}

describe('what strangers may see', () => {
  test('is asked for each time, and told when it changed', async () => {
    await tend();
    await tend();
    expect([stores.repositories.facts(stores.repository.id), facts]).toEqual([
      { isPrivate: false, webUrl: 'https://forge.test/demo/sample' },
      1,
    ]);

    fake.facts = { ...fake.facts, isPrivate: true };
    await tend();

    expect([stores.repositories.facts(stores.repository.id).isPrivate, facts]).toEqual([true, 2]);
  });
});

describe('trouble', () => {
  test.each(TROUBLES)('%s of everything is three sentences, and no end', async (trouble) => {
    fake.mood = () => trouble;

    const { stored, troubles } = await tend();

    expect(stored).toBe(0);
    expect(troubles.map((sentence) => sentence.split(':')[0])).toEqual([
      'Visibility',
      'Webhook',
      'Open requests',
    ]);
  });

  test('with the hook is shown with it, and forgotten when it is as wanted', async () => {
    fake.mood = (question) => (question === 'hooks.create' ? 'forbidden' : undefined);
    expect((await tend()).troubles).toHaveLength(1);
    expect(stores.hookStore.all()[0]?.trouble).toContain('forbidden');

    fake.mood = () => undefined;

    expect(await tend()).toEqual({ stored: 0, troubles: [] });
    expect(stores.hookStore.all()[0]?.trouble).toBeNull();
  });

  test('of one part keeps none of the others from being done', async () => {
    await known();
    fake.requests = [open(1, '1')];
    fake.mood = (question) => (question === 'repository' || question === 'hooks.list' ? 'failed' : undefined);

    expect(await tend()).toMatchObject({ stored: 1 });
  });

  test('is none when the program ends', async () => {
    fake.mood = () => 'hang';
    const tending = tend();

    stopping.abort();

    await expect(tending).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('where deliveries come another way', () => {
  test('no hook is asked for', async () => {
    hasHook = false;

    await tend();

    expect([...fake.asked.keys()]).toEqual(['repository', 'openRequests']);
  });
});

describe('open requests', () => {
  test('that were there before us are learnt and not built', async () => {
    fake.requests = [open(1, '1'), open(2, '2')];

    expect(await tend()).toEqual({ stored: 0, troubles: [] });
    expect(await tend()).toEqual({ stored: 0, troubles: [] });

    expect([inbox(), stores.repositories.requests(stores.repository.id)]).toHaveLength(2);
    expect(inbox()).toEqual([]);
  });

  // All of them were taken for new when the first list had met trouble.
  test('that were there before us are not built either when the first list met trouble', async () => {
    fake.requests = [open(1, '1')];
    fake.mood = (question) => (question === 'openRequests' ? 'rate-limited' : undefined);
    await tend();
    fake.mood = () => undefined;

    await tend();
    await tend();

    expect(inbox()).toEqual([]);
  });

  // For as long as the forge did not say who may see the repository, every list was the first.
  test('are compared also where the forge does not say who may see the repository', async () => {
    fake.mood = (question) => (question === 'repository' ? 'forbidden' : undefined);
    await known();
    fake.requests = [open(1, '1')];

    await tend();

    expect(inbox()).toEqual(['1 1']);
  });

  test('that are new, moved, or have another base are delivered, once each', async () => {
    await known(open(1, '1'), open(2, '2'), open(3, '3'), open(4, '4'));
    fake.requests = [
      open(1, '1'),
      open(2, 'a'),
      open(3, '3', { baseRef: 'refs/heads/next' as GitRef }),
      open(4, '4'),
      open(5, '5'),
    ];

    expect(await tend()).toMatchObject({ stored: 3 });

    expect(inbox()).toEqual(['2 a', '3 3', '5 5']);
    await accept();
    expect(await tend()).toMatchObject({ stored: 0 });
  });

  test('that are open no more are delivered as closed, once', async () => {
    await known(open(1, '1'), open(2, '2'));
    fake.requests = [open(2, '2')];

    await tend();

    expect(inbox()).toEqual(['closed 1']);
    await accept();
    expect(await tend()).toMatchObject({ stored: 0 });
  });

  test('say nothing of who pushed them, and are trusted only from the repository itself', async () => {
    await known();
    fake.requests = [open(1, '1'), open(2, '2', { isFromHere: true })];

    await tend();

    expect(stores.deliveries.pending()).toMatchObject([
      { isTrusted: false, people: { author: 'owner', pusher: null }, origin: 'look' },
      { isTrusted: true, people: { author: 'owner', pusher: null } },
    ]);
  });

  test('are not asked for where nobody builds them', async () => {
    buildsRequests = false;

    await tend();

    expect(fake.asked.get('openRequests')).toBeUndefined();
  });
});

describe('what the forge tells while its list is on the way', () => {
  /** The forge lists what it has, then tells of something, then the list arrives. */
  async function tellDuring(tellMeanwhile: () => Promise<unknown>): Promise<void> {
    const listed = fake.requests;
    fake.mood = (question) =>
      question === 'openRequests' ? tellMeanwhile().then(() => undefined) : undefined;
    fake.requests = listed;
    await tend();
  }
  async function told(request: OpenRequest): Promise<void> {
    const { number, headSha, baseRef } = request;
    const delivery = {
      repositoryId: stores.repository.id,
      kind: 'pull_request',
      origin: 'hook',
      uid: null,
      receivedAt: stores.clock.now(),
      ref: baseRef,
      sha: headSha,
      prNumber: number,
      isTrusted: false,
      people: { author: 'owner', pusher: 'owner', headName: 'topic' },
      before: null,
    } as const;
    const id = await stores.deliveries.receive(delivery);
    await stores.deliveries.accept({ ...delivery, id }, stores.clock.now());
  }

  // It was closed.
  test('of a request that was opened is not undone', async () => {
    await known();

    await tellDuring(() => told(open(1, '1')));

    expect(inbox()).toEqual([]);
  });

  // The head of before was delivered, as newer than the one that was told.
  test('of a request that moved is not undone', async () => {
    await known(open(1, '1'));

    await tellDuring(() => told(open(1, '2')));

    expect(inbox()).toEqual([]);
  });

  test('of a request that was closed is not undone', async () => {
    await known(open(1, '1'));

    await tellDuring(async () => {
      const received = {
        repositoryId: stores.repository.id,
        origin: 'hook',
        uid: null,
        receivedAt: stores.clock.now(),
      } as const;
      const id = await stores.deliveries.receive({ ...received, kind: 'closed', prNumber: 1 });
      await stores.deliveries.settle(
        { ...received, kind: 'closed', prNumber: 1, id },
        'done',
        stores.clock.now(),
      );
    });

    expect(inbox()).toEqual([]);
  });
});
