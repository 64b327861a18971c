import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newHookId, openHookSecrets } from './hook-secrets.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-hooks-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});
const HOOK = { id: 'opaque', generation: 1 };
const secretOf = async (hook = HOOK): Promise<string> => (await openHookSecrets(dir)).secretOf(hook).reveal();

test('a secret is the same after a restart, and another for each hook and generation', async () => {
  const first = await secretOf();

  expect(await secretOf()).toBe(first);
  expect(
    new Set([
      first,
      await secretOf({ id: 'other', generation: 1 }),
      await secretOf({ id: 'opaque', generation: 2 }),
    ]).size,
  ).toBe(3);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
});

test('a key is made once, for its owner alone, and says that it is new', async () => {
  expect((await openHookSecrets(dir)).isNew).toBe(true);
  expect((await openHookSecrets(dir)).isNew).toBe(false);
  expect((await stat(join(dir, 'hook-key'))).mode & 0o777).toBe(0o600);
});

test('a key that a power cut left empty is made anew', async () => {
  await writeFile(join(dir, 'hook-key'), '');

  expect((await openHookSecrets(dir)).isNew).toBe(true);
});

// It was replaced by a new one, and every hook with it.
test('a key that is there and cannot be used is not replaced', async () => {
  const path = join(dir, 'hook-key');
  await writeFile(path, 'x'.repeat(100_000));
  await chmod(path, 0o600);

  await expect(openHookSecrets(dir)).rejects.toMatchObject({ code: 'secret.unreadable' });

  expect((await readFile(path)).length).toBe(100_000);
});

test('what is there in its place and is no file stays', async () => {
  await mkdir(join(dir, 'hook-key'));

  await expect(openHookSecrets(dir)).rejects.toMatchObject({ code: 'secret.unreadable' });
});

test('the id of a hook cannot be guessed, and fits into an address', () => {
  const ids = Array.from({ length: 100 }, newHookId);

  expect(new Set(ids).size).toBe(100);
  expect(ids.every((id) => /^[\w-]{24}$/.test(id))).toBe(true);
});
