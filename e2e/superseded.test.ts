/** Pushes to a branch of a repository with `drop_superseded`: what waits of the older one goes, what runs is let finish. */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { until } from '../coordinator/test/until.ts';
import { type RunningCoordinator, SANDBOXED, startCoordinator } from './harness/coordinator.ts';
import { type FlakeRepository, makeFlakeRepository } from './harness/flake-repository.ts';

// Builds wait for a mark outside, which a sandbox would hide.
const UNSANDBOXED = SANDBOXED.replace('sandbox = true', 'sandbox = false');

// Some seconds on a host of its own; each wait has its own deadline.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

let dir: string;
let marks: string;
let repository: FlakeRepository;
let coordinator: RunningCoordinator;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-superseded-'));
  marks = join(dir, 'marks');
  await mkdir(marks);
  await chmod(dir, 0o755);
  await chmod(marks, 0o777);
  repository = await makeFlakeRepository(join(dir, 'source'));
});
afterEach(async () => {
  await coordinator.kill('SIGTERM');
  await rm(dir, { recursive: true, force: true });
});

/** `slow` runs until there is a mark; `after` needs it. */
function flake(): string {
  return `{ outputs = _: { packages.x86_64-linux = rec {
    slow = derivation { name = "slow"; system = "x86_64-linux"; builder = "/bin/sh"; salt = "${randomUUID()}"; PATH = "/usr/bin:/bin";
      args = [ "-c" "while ! test -e ${marks}/go; do sleep 0.1; done; echo > $out" ]; };
    after = derivation { name = "after"; system = "x86_64-linux"; builder = "/bin/sh"; inherit slow; args = [ "-c" "echo > $out" ]; };
  }; }; }`;
}
const start = (settings: Readonly<Record<string, unknown>>): Promise<RunningCoordinator> =>
  startCoordinator({
    dir,
    nixConfig: UNSANDBOXED,
    configuration: {
      systems: ['x86_64-linux'],
      forges: {
        here: { kind: 'git', repos: { 'a/b': { url: repository.dir, poll_seconds: 3600, ...settings } } },
      },
    },
  });
async function push(): Promise<void> {
  await repository.commit({ 'flake.nix': flake() });
  await coordinator.poke('here');
}
const table = async (id: number): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    (await coordinator.jobs(id)).map(({ attr, status }) => [attr.split('.').at(-1) ?? attr, status]),
  );
const statuses = async (): Promise<readonly string[]> =>
  (await coordinator.evaluations()).map(({ id, status }) => `${id} ${status}`).toSorted();
const isSlowRunning = async (id: number): Promise<boolean> =>
  (await coordinator.evaluations()).some((evaluation) => evaluation.id === id) &&
  (await table(id))['slow'] === 'running';

test('what waits is dropped, and what runs is let finish although the coordinator is killed in between', async () => {
  await repository.commit({ 'flake.nix': flake() });
  coordinator = await start({ drop_superseded: true });
  await until('the first push is being built', () => isSlowRunning(1), 60_000);

  await push();
  await until('the second push is being built', () => isSlowRunning(2), 60_000);
  expect(await table(1)).toEqual({ slow: 'running', after: 'cancelled' });
  const dropped = (await coordinator.jobs(1)).find(({ status }) => status === 'cancelled');
  expect(dropped?.reason).toBe('Evaluation 2, of a newer push to main, took its place.');

  await coordinator.kill('SIGKILL');
  coordinator = await start({ drop_superseded: true });
  await until('both go on', async () => (await isSlowRunning(1)) && (await isSlowRunning(2)), 60_000);
  expect(await table(1)).toEqual({ slow: 'running', after: 'cancelled' });
  await writeFile(join(marks, 'go'), '');
  await until('both have ended', async () => (await statuses()).join() === '1 superseded,2 done', 60_000);

  expect(await table(1)).toEqual({ slow: 'success', after: 'cancelled' });
  expect(await table(2)).toEqual({ slow: 'success', after: 'success' });
});

test('where nothing is said, every push is built to its end', async () => {
  await repository.commit({ 'flake.nix': flake() });
  coordinator = await start({});
  await until('the first push is being built', () => isSlowRunning(1), 60_000);
  await push();
  await until('the second push is being built', () => isSlowRunning(2), 60_000);
  await writeFile(join(marks, 'go'), '');
  await until('both have ended', async () => (await statuses()).join() === '1 done,2 done', 60_000);

  expect(await table(1)).toEqual({ slow: 'success', after: 'success' });
});

test('a deleted branch takes along what waits, and its evaluation is done with what ran', async () => {
  await repository.commit({ 'flake.nix': flake() });
  coordinator = await start({});
  await until('it is being built', () => isSlowRunning(1), 60_000);
  await repository.git('checkout', '-q', '-b', 'other');
  await repository.git('branch', '-q', '-D', 'main');
  await coordinator.poke('here');
  await until('what waits is cancelled', async () => (await table(1))['after'] === 'cancelled', 60_000);
  expect(await table(1)).toEqual({ slow: 'running', after: 'cancelled' });
  await writeFile(join(marks, 'go'), '');
  await until('it has ended', async () => (await statuses()).join() === '1 done', 60_000);

  expect((await coordinator.evaluations())[0]).toMatchObject({ outcome: 'error' });
});
