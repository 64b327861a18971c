import { readdirSync } from 'node:fs';
import { mkdir, readdir, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startProcess } from '../../kit/run-process.ts';
import { until } from '../../kit/testing/until.ts';
import { createPrivateStore, type PrivateStore } from '../testing/private-store.ts';
import type { GcRoots } from './gc-roots.ts';
import { createGcRoots } from './gc-roots.ts';

let store: PrivateStore;
let roots: GcRoots;
let dir: string;

beforeEach(async () => {
  store = await createPrivateStore();
  dir = join(store.dir, 'roots');
  roots = createGcRoots({ dir, nixStateDir: store.stateDir });
});
afterEach(async () => {
  await store.remove();
});

function ownPlace(): string {
  const places = join(store.stateDir, 'gcroots/argunix');
  return join(places, readdirSync(places)[0] ?? '');
}

test('a rooted path survives the collector, one without a root does not, and a removed root holds nothing', async () => {
  const kept = await store.add('kept', 'kept');
  const lost = await store.add('lost', 'lost');
  await roots.add('eval-1', [kept]);

  await store.collect();

  expect([await store.isValid(kept), await store.isValid(lost)]).toEqual([true, false]);
  await roots.remove('eval-1');
  await store.collect();
  expect(await store.isValid(kept)).toBe(false);
  expect(await readdir(ownPlace())).toEqual(['of']);
});

test('a root that is made before its path holds from then on', async () => {
  const path = await store.add('later', 'later');
  await store.collect();
  expect(await store.isValid(path)).toBe(false);

  await roots.add('job-7', [path]);
  await store.collect();
  await store.add('later', 'later');
  await store.collect();

  expect(await store.isValid(path)).toBe(true);
});

test('a path with two owners is held until the second lets go; adding twice changes nothing', async () => {
  const path = await store.add('shared', 'shared');
  await roots.add('eval-1', [path, path]);
  await roots.add('eval-1', [path]);
  await roots.add('job-1', [path]);

  await roots.remove('eval-1');
  await roots.remove('eval-1');
  await store.collect();

  expect(await store.isValid(path)).toBe(true);
});

test('a sweep removes the roots of the dead and no others, nor what is not its own', async () => {
  const living = await store.add('living', 'living');
  const dead = await store.add('dead', 'dead');
  await roots.add('eval-1', [living]);
  await roots.add('eval-2', [dead]);
  await mkdir(join(ownPlace(), 'lost+found'));

  await roots.sweep((owner) => ['eval-1'].includes(owner));
  await store.collect();

  expect([await store.isValid(living), await store.isValid(dead)]).toEqual([true, false]);
  expect((await readdir(ownPlace())).toSorted()).toEqual(['eval-1', 'lost+found', 'of']);
});

test('more paths than one batch holds are rooted, and let go', async () => {
  const paths = Array.from({ length: 1_200 }, (_, i) => `/nix/store/${String(i).padStart(32, '0')}-p`);

  await roots.add('eval-1', paths);

  expect(await readdir(join(ownPlace(), 'eval-1'))).toHaveLength(paths.length);
  await roots.remove('eval-1');
  expect(await readdir(ownPlace())).toEqual(['of']);
});

test('the roots of a state directory that is gone for a week are swept, those of one just gone are not', async () => {
  await roots.add('eval-1', [await store.add('kept', 'kept')]);
  const places = join(store.stateDir, 'gcroots/argunix');
  for (const [name, days] of [
    ['long-gone', 8],
    ['just-gone', 1],
  ] as const) {
    await mkdir(join(places, name));
    await symlink('/nowhere/gcroots', join(places, name, 'of'));
    const then = Date.now() / 1_000 - days * 24 * 3_600;
    await utimes(join(places, name), then, then);
  }

  await roots.sweep(() => true);

  expect(await readdir(places)).toHaveLength(2);
  expect(await readdir(places)).toContain('just-gone');
});

test.each(['../up', 'eval-', 'eval-1/..', '', 'other'])('%j owns nothing', async (owner) => {
  await expect(roots.add(owner, [])).rejects.toThrow('expected a name like eval-12-outs');
  await expect(roots.remove(owner)).rejects.toThrow('expected a name like eval-12-outs');
});

test('what is no store path is not rooted', async () => {
  await expect(roots.add('eval-1', ['/nix/store/../../etc/passwd'])).rejects.toThrow('expected a store path');
});

test('the daemon registers the roots of one who may not write where Nix keeps them', async () => {
  const socketPath = join(store.dir, 'socket');
  const daemon = startProcess({
    command: 'nix-daemon',
    args: ['--daemon'],
    env: { ...store.env, NIX_DAEMON_SOCKET_PATH: socketPath },
    deadlineMs: 60_000,
    graceMs: 1_000,
    whenOrphaned: 'KILL',
  });
  // Nobody may write into a path below a file.
  const byDaemon = createGcRoots({
    dir,
    nixStateDir: '/dev/null',
    socketPath,
  });
  const kept = await store.add('kept', 'kept');
  const more = await store.add('more', 'more');
  await until(async () => (await readdir(store.dir)).includes('socket'));

  await byDaemon.add('eval-1', [kept, more]);
  await store.collect();

  expect([await store.isValid(kept), await store.isValid(more)]).toEqual([true, true]);
  await byDaemon.remove('eval-1');
  await store.collect();
  expect(await store.isValid(kept)).toBe(false);
  daemon.stop();
  await daemon.ended;
});

test('a daemon that is not there is said', async () => {
  const nowhere = createGcRoots({ dir, nixStateDir: '/dev/null', socketPath: join(store.dir, 'none') });

  await expect(nowhere.add('eval-1', [await store.add('kept', 'kept')])).rejects.toThrow('the Nix daemon at');
});
