/** What an operator asks about hooks, on a stand-in for Forgejo that keeps them. */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { systemClock } from '@argunix/shared/kit/clock';
import { createKeyedLock } from '@argunix/shared/kit/keyed-lock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { Secret } from '@argunix/shared/kit/secret';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startGiteaStandIn } from '../../test/forges/gitea/gitea-stand-in.ts';
import { AT, openStores } from '../../test/store-fixture.ts';
import { createGiteaForge } from '../adapters/forge/gitea/gitea-forge.ts';
import { createHookStore } from '../adapters/sqlite/hook-store.ts';
import type { HookStore, KeptHook } from '../ports/hook-store.ts';
import { administerHooks, type HookAdministration } from './administer-hooks.ts';

const SLUG = 'owner/name' as RepositorySlug;
const NAME = { forge: 'there', slug: SLUG };
const URL = 'https://ci.example.com/webhook/there/opaque';

let stores: Awaited<ReturnType<typeof openStores>>;
let standIn: Awaited<ReturnType<typeof startGiteaStandIn>>;
let adapter: ReturnType<typeof createGiteaForge>;
let store: HookStore;
let hooks: HookAdministration;
let isDryRun: boolean;

beforeEach(async () => {
  stores = await openStores();
  standIn = await startGiteaStandIn('forgejo');
  standIn.addRepository({ slug: SLUG, isPrivate: false, defaultBranch: 'main' });
  adapter = createGiteaForge({
    name: 'there',
    webUrl: standIn.server.url,
    readToken: () => Promise.resolve(new Secret(standIn.token())),
    clock: systemClock,
    retryMs: 1,
  });
  store = createHookStore(stores.database);
  const repository = await stores.repositories.ensure({ forge: 'there', slug: SLUG, kind: 'forgejo' }, AT);
  await store.ensure({ id: 'opaque', forge: 'there', repositoryId: repository.id }, AT);
  isDryRun = false;
  const lock = createKeyedLock();
  const stop = AbortSignal.timeout(60_000);
  const ports = {
    hooks: adapter.hooks,
    store,
    secrets: { secretOf: ({ generation }: { generation: number }) => new Secret(`secret ${generation}`) },
    clock: systemClock,
    log: silentLogger,
    externalUrl: 'https://ci.example.com',
  };
  hooks = administerHooks({
    places: () =>
      store.all().map((hook) => ({
        hook,
        slug: SLUG,
        forgeKind: 'forgejo',
        isInDoubt: false,
        ports,
        setAppHook: null,
      })),
    reload: () => undefined,
    hold: (id, work) => lock.hold(id, stop, work),
    isDryRun: () => isDryRun,
    signal: stop,
  });
});
afterEach(async () => {
  await adapter.close();
  await standIn.server.close();
  await stores.close();
});

function kept(): KeptHook | undefined {
  return store.all()[0];
}

test('a check of what was never installed says so, and installs nothing', async () => {
  expect(await hooks.check(NAME)).toMatchObject({ kind: 'done', message: 'It was never installed.' });
  expect(standIn.hooksOf(SLUG)).toEqual([]);
  expect(kept()).toMatchObject({ url: null, trouble: null });
});

test('a repair installs it, and a check then finds it as wanted', async () => {
  expect(await hooks.repair(NAME)).toMatchObject({ kind: 'done' });

  expect(standIn.hooksOf(SLUG)).toMatchObject([{ url: URL, secret: 'secret 1', isActive: true }]);
  expect(await hooks.check(NAME)).toMatchObject({ kind: 'done', message: 'It is as wanted.' });
});

test('a repair sets the secret again, also where nothing is seen to be wrong', async () => {
  await hooks.repair(NAME);
  const before = standIn.server.requests.length;

  await hooks.repair(NAME);

  const changes = standIn.server.requests.slice(before).filter(({ method }) => method !== 'GET');
  expect(changes).not.toEqual([]);
  expect(standIn.hooksOf(SLUG)).toHaveLength(1);
});

test('a check says what somebody changed at the forge, keeps it as trouble, and leaves it as it is', async () => {
  await hooks.repair(NAME);
  const [hook] = standIn.hooksOf(SLUG);
  standIn.spoilHook(SLUG, hook?.id ?? '', 'inactive');

  const verdict = await hooks.check(NAME);

  expect(verdict).toMatchObject({
    kind: 'done',
    message: expect.stringMatching(/^It is not as wanted: /) as string,
  });
  expect(standIn.hooksOf(SLUG)).toMatchObject([{ isActive: false }]);
  expect(kept()?.trouble).toMatch(/^It is not as wanted: /);
  await hooks.repair(NAME);
  expect(standIn.hooksOf(SLUG)).toMatchObject([{ isActive: true }]);
  expect(kept()?.trouble).toBeNull();
});

test('a check of one that somebody took away says so', async () => {
  await hooks.repair(NAME);
  const [hook] = await adapter.hooks.list(SLUG, AbortSignal.timeout(10_000));
  await adapter.hooks.remove(SLUG, hook?.id ?? '', AbortSignal.timeout(10_000));

  expect(await hooks.check(NAME)).toMatchObject({ message: 'It is not there at the forge any more.' });
});

test('a rotation gives the forge the next secret', async () => {
  await hooks.repair(NAME);

  expect(await hooks.rotate(NAME)).toMatchObject({ kind: 'done' });

  expect(standIn.hooksOf(SLUG)).toMatchObject([{ url: URL, secret: 'secret 2' }]);
  expect(kept()).toMatchObject({ generation: 2, trouble: null });
});

test('a rotation that the forge did not hear of is made up for by a repair, and is never taken for done', async () => {
  await hooks.repair(NAME);
  standIn.server.trouble({ kind: 'status', status: 500 }, 20);

  expect(await hooks.rotate(NAME)).toMatchObject({ kind: 'refused' });

  standIn.server.trouble(null);
  // It looks whole, and has the secret of before.
  expect(standIn.hooksOf(SLUG)).toMatchObject([{ secret: 'secret 1', isActive: true }]);
  expect(await hooks.check(NAME)).not.toMatchObject({ message: 'It is as wanted.' });
  await hooks.repair(NAME);
  expect(standIn.hooksOf(SLUG)).toMatchObject([{ secret: 'secret 2' }]);
});

test('two repairs at once leave one hook', async () => {
  await Promise.all([hooks.repair(NAME), hooks.repair(NAME), hooks.repair(NAME)]);

  expect(standIn.hooksOf(SLUG)).toHaveLength(1);
});

test('what the forge refuses is told and kept', async () => {
  standIn.rotateToken();
  standIn.server.trouble({ kind: 'status', status: 403 }, 20);

  const verdict = await hooks.repair(NAME);

  expect(verdict).toMatchObject({ kind: 'refused', reason: expect.stringContaining('403') as string });
  expect(kept()?.trouble).toContain('403');
});

test('dry_run changes nothing at the forge, and a hook that is none of ours is not found', async () => {
  isDryRun = true;

  expect(await hooks.repair(NAME)).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('dry_run') as string,
  });
  expect(await hooks.rotate(NAME)).toMatchObject({ kind: 'refused' });
  expect(await hooks.check({ forge: 'there', slug: 'other/name' })).toEqual({ kind: 'not_found' });
  expect(standIn.hooksOf(SLUG)).toEqual([]);
});
