import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFakeForge, type FakeForge } from '../../test/fakes/fake-forge.ts';
import { type ForgeStores, type KeptLog, keptLog, openForgeStores, SLUG } from '../../test/forge-fixture.ts';
import { openHookSecrets } from '../adapters/forge/hook-secrets.ts';
import type { HookSecrets } from '../ports/hook-secrets.ts';
import type { KeptHook } from '../ports/hook-store.ts';
import { hookUrl, keepHook, removeHooks } from './keep-hook.ts';

const { signal } = new AbortController();

let stores: ForgeStores;
let fake: FakeForge;
let log: KeptLog;
let secrets: HookSecrets;
let externalUrl = 'https://ci.test';

beforeAll(async () => {
  stores = await openForgeStores();
  secrets = await openHookSecrets(stores.stateDir);
});
afterAll(async () => {
  await stores.close();
});
beforeEach(async () => {
  fake = createFakeForge();
  log = keptLog();
  externalUrl = 'https://ci.test';
  await stores.database.write([{ sql: 'delete from hooks', parameters: [] }]);
  await stores.hookStore.ensure(
    { id: 'opaque', forge: 'forge', repositoryId: stores.repository.id },
    stores.clock.now(),
  );
});

const kept = (): KeptHook => stores.hookStore.all()[0] as KeptHook;
const ports = () => ({
  hooks: fake.hooks,
  store: stores.hookStore,
  secrets,
  clock: stores.clock,
  log,
  externalUrl,
});
const about = (some: { readonly isInDoubt?: boolean } = {}) => ({
  slug: SLUG,
  hook: kept(),
  forgeKind: 'forgejo',
  isInDoubt: some.isInDoubt ?? false,
});
const keep = async (some: { readonly isInDoubt?: boolean } = {}) =>
  await keepHook(ports(), about(some), signal);
const urls = (): readonly string[] => fake.found.map(({ url }) => url);
const changes = (): number =>
  (['hooks.create', 'hooks.replace', 'hooks.remove'] as const).reduce(
    (sum, question) => sum + (fake.asked.get(question) ?? 0),
    0,
  );
function add(url: string, isComplete = true): void {
  fake.found.push({
    id: `found-${fake.found.length}`,
    url,
    isComplete,
    differences: isComplete ? [] : ['it is not active'],
  });
}
const WANTED = 'https://ci.test/webhook/forge/opaque';

describe('a hook', () => {
  test('that is not there is created, with the secret that follows from its id', async () => {
    expect(await keep()).toEqual({ kind: 'repaired', differences: ['it was not there'] });

    expect(fake.found).toMatchObject([
      { url: WANTED, secret: secrets.secretOf({ id: 'opaque', generation: 1 }).reveal() },
    ]);
    expect(kept()).toMatchObject({ forgeId: '1', url: WANTED, trouble: null, checkedAt: stores.clock.now() });
  });

  test('that is as wanted is only looked at', async () => {
    await keep();

    expect(await keep()).toEqual({ kind: 'good' });

    expect(changes()).toBe(1);
  });

  test('that somebody took away is there again', async () => {
    await keep();
    fake.found.splice(0);

    await keep();

    expect(urls()).toEqual([WANTED]);
  });

  test('that somebody changed is repaired, and says what was not as wanted', async () => {
    await keep();
    const [found] = fake.found;
    fake.found.splice(0, 1, {
      ...(found ?? { id: '1', url: WANTED }),
      isComplete: false,
      differences: ['it is not active'],
    });

    expect(await keep()).toEqual({ kind: 'repaired', differences: ['it is not active'] });

    expect(fake.found).toMatchObject([{ isComplete: true }]);
  });

  test('with our address that we never installed gets our secret', async () => {
    add(WANTED);

    expect(await keep()).toEqual({ kind: 'repaired', differences: ['its secret was not sure'] });
  });

  test('that is in doubt gets its secret again', async () => {
    await keep();

    expect(await keep({ isInDoubt: true })).toMatchObject({ kind: 'repaired' });
  });

  test('whose secret was rotated gets the new one', async () => {
    await keep();
    await stores.hookStore.rotate('opaque');

    await keep();

    expect(fake.found).toMatchObject([
      { secret: secrets.secretOf({ id: 'opaque', generation: 2 }).reveal() },
    ]);
    expect(kept().checkedAt).not.toBeNull();
  });

  // The trouble counted as a look at it, after which its secret was taken for known.
  test('whose new secret could not be written gets it the next time', async () => {
    await keep();
    await stores.hookStore.rotate('opaque');
    fake.mood = (question) => (question === 'hooks.replace' ? 'failed' : undefined);
    await expect(keep()).rejects.toMatchObject({ code: 'forge.failed' });
    await stores.hookStore.failed('opaque', 'It failed.', stores.clock.now());
    fake.mood = () => undefined;

    expect(await keep()).toMatchObject({ kind: 'repaired' });

    expect(fake.found).toMatchObject([
      { secret: secrets.secretOf({ id: 'opaque', generation: 2 }).reveal() },
    ]);
    expect(kept().trouble).toBeNull();
  });

  test('that is there twice is there once', async () => {
    add(WANTED);
    add(WANTED);
    await stores.hookStore.installed('opaque', { forgeId: 'found-1', url: WANTED, at: stores.clock.now() });

    expect(await keep()).toEqual({ kind: 'good' });

    expect(fake.found.map(({ id }) => id)).toEqual(['found-1']);
  });
});

describe('hooks of before', () => {
  const OLD = [
    'https://ci.test/webhook/forgejo',
    'https://ci.test/webhook/forge',
    'https://ci.test/webhook/forge/other-id',
  ];
  const OTHERS = [
    'https://elsewhere.test/webhook/forge/opaque',
    'https://ci.test/webhook/forge-2/opaque',
    'https://ci.test/webhook/github',
    'https://ci.test/webhook/forgejo/x',
    'https://chat.test/',
    '',
  ];

  test('go when the wanted one is there, and those of others stay', async () => {
    for (const url of [...OLD, ...OTHERS]) {
      add(url);
    }

    await keep();

    expect(urls().toSorted()).toEqual([...OTHERS, WANTED].toSorted());
  });

  test('stay while the wanted one cannot be made', async () => {
    for (const url of OLD) {
      add(url);
    }
    fake.mood = (question) => (question === 'hooks.create' ? 'forbidden' : undefined);

    await expect(keep()).rejects.toMatchObject({ code: 'forge.forbidden' });

    expect(urls()).toEqual(OLD);
  });

  test('that cannot be taken away are trouble, and the wanted one is kept all the same', async () => {
    for (const url of OLD) {
      add(url);
    }
    fake.mood = (question, id) => (question === 'hooks.remove' && id === 'found-0' ? 'forbidden' : undefined);

    await expect(keep()).rejects.toMatchObject({ code: 'forge.forbidden' });

    expect(kept()).toMatchObject({ url: WANTED });
    expect(urls()).toEqual([OLD[0], WANTED]);
  });

  test('under an external_url of before go too', async () => {
    await keep();
    externalUrl = 'https://new.test';

    await keep();

    expect(urls()).toEqual(['https://new.test/webhook/forge/opaque']);
  });
});

test('the hooks of a repository that left go, and those of others stay', async () => {
  await keep();
  add('https://ci.test/webhook/forgejo');
  add('https://chat.test/');

  await removeHooks(ports(), about(), signal);

  expect(urls()).toEqual(['https://chat.test/']);
});

test('an address holds nothing of a repository, and a name of a forge cannot break it', () => {
  expect(hookUrl('https://ci.test', { forge: 'a b/c', id: 'opaque' })).toBe(
    'https://ci.test/webhook/a%20b%2Fc/opaque',
  );
});
