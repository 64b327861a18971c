import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ForgeStores, keptLog, openForgeStores } from '../../test/forge-fixture.ts';
import { hasOurSecret } from '../flows/keep-hook.ts';
import type { KeptHook } from '../ports/hook-store.ts';
import { createHookRegistry, type HookRegistry } from './hook-registry.ts';

const HOUR_MS = 3_600_000;

let stores: ForgeStores;
let registry: HookRegistry;
let ids = 0;

beforeAll(async () => {
  stores = await openForgeStores();
});
afterAll(async () => {
  await stores.close();
});
beforeEach(async () => {
  await stores.database.write([{ sql: 'delete from hooks', parameters: [] }]);
  registry = create();
});

function create(): HookRegistry {
  return createHookRegistry({
    store: stores.hookStore,
    newId: () => `hook-${(ids += 1)}`,
    clock: stores.clock,
    log: keptLog(),
  });
}
const ensure = async (): Promise<KeptHook> => await registry.ensure('forge', stores.repository.id);
async function checked(hook: KeptHook): Promise<KeptHook> {
  await stores.hookStore.installed(hook.id, { forgeId: '1', url: 'u', at: stores.clock.now() });
  registry.reload();
  return registry.named(hook.id) ?? hook;
}

test('a repository has one hook, however many ask for it at once, also after a restart', async () => {
  const made = await Promise.all([ensure(), ensure(), ensure()]);

  expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  registry = create();
  expect((await ensure()).id).toBe(made[0].id);
  expect(registry.of(stores.repository.id)?.id).toBe(made[0].id);
});

test("an App has one hook, which is no repository's", async () => {
  const made = await Promise.all([registry.ensure('forge', null), registry.ensure('forge', null)]);

  expect(registry.ofApp('forge')?.id).toBe(made[0].id);
  expect(registry.ofApp('elsewhere')).toBeUndefined();
  expect(registry.all()).toHaveLength(1);
});

test('a bad signature makes a hook doubtful until it was installed anew', async () => {
  const hook = await checked(await ensure());
  await stores.clock.advance(1_000);

  expect(registry.doubt(hook)).toBe(true);

  expect(registry.isInDoubt(hook)).toBe(true);
  await stores.clock.advance(1_000);
  expect(registry.isInDoubt(await checked(hook))).toBe(false);
});

test('bad signatures make it doubtful once an hour, however many there are', async () => {
  const hook = await checked(await ensure());
  await stores.clock.advance(1_000);
  const doubts: boolean[] = [];
  for (let minute = 0; minute < 119; minute += 1) {
    doubts.push(registry.doubt(hook));
    await stores.clock.advance(60_000);
  }

  expect(doubts.filter((isNews) => isNews)).toHaveLength(2);
});

// It was sure again by having failed.
test('trouble with a doubtful hook leaves it doubtful', async () => {
  const hook = await checked(await ensure());
  await stores.clock.advance(1_000);
  registry.doubt(hook);

  await stores.clock.advance(HOUR_MS);
  await stores.hookStore.failed(hook.id, 'The forge was down.', stores.clock.now());
  registry.reload();

  const now = registry.named(hook.id);
  expect(now?.trouble).toBe('The forge was down.');
  expect(now === undefined || hasOurSecret(now, 'u', registry.isInDoubt(now))).toBe(false);
});

test('the secret of before a rotation counts until the new one is installed, however long that takes', async () => {
  const hook = await checked(await ensure());
  expect(registry.takesSecretBefore(hook)).toBe(false);
  await stores.hookStore.rotate(hook.id);
  await stores.hookStore.failed(hook.id, 'The forge was down.', stores.clock.now());
  registry.reload();
  await stores.clock.advance(24 * HOUR_MS);
  const rotated = registry.named(hook.id) ?? hook;
  expect([rotated.generation, registry.takesSecretBefore(rotated)]).toEqual([2, true]);

  const installed = await checked(rotated);

  expect(registry.takesSecretBefore(installed)).toBe(false);
});

test('the secret of before a rotation counts for an hour where the new one was installed at once', async () => {
  const hook = await checked(await ensure());
  await stores.hookStore.rotate(hook.id);
  const installed = await checked(hook);

  await stores.clock.advance(HOUR_MS - 1);
  expect(registry.takesSecretBefore(installed)).toBe(true);
  await stores.clock.advance(1);
  expect(registry.takesSecretBefore(installed)).toBe(false);
  expect(create().takesSecretBefore(installed)).toBe(false);
});

test('when a hook was last heard is stored once a minute', async () => {
  const hook = await ensure();
  const { writes } = stores.database;
  for (let second = 0; second < 60; second += 1) {
    registry.heard(hook);
    await stores.clock.advance(1_000);
  }
  registry.heard(hook);
  await stores.clock.advance(0);

  expect(stores.database.writes - writes).toBe(2);
  expect(stores.hookStore.all()[0]?.deliveredAt).toBe(stores.clock.now());
});
