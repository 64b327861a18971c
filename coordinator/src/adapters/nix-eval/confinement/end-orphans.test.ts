import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendantsOf, killAll, livingOf } from '@argunix/shared/kit/descendants';
import { until } from '@argunix/shared/kit/testing/until';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endOrphans } from './end-orphans.ts';

let dir: string;
let left: ChildProcess[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-orphans-'));
});
afterEach(async () => {
  // What is inside outlives what started it.
  killAll(descendantsOf(left.map(({ pid }) => pid ?? 0)));
  for (const one of left) {
    one.kill('SIGKILL');
  }
  left = [];
  await rm(dir, { recursive: true, force: true });
});

/** A sandbox as evaluators have, that nothing ties to us, with something inside that never ends. */
async function leave(state: string): Promise<ChildProcess> {
  const scratch = join(dir, state, 'tmp/eval-1');
  await mkdir(scratch, { recursive: true });
  const args = ['--ro-bind', '/', '/', '--bind', scratch, '/tmp', '--unshare-pid', '--', 'sleep', '1000'];
  const child = spawn('bwrap', args, { detached: true, stdio: 'ignore' });
  left.push(child);
  await until(() => descendantsOf([child.pid ?? 0]).length >= 2);
  return child;
}

test('what a killed coordinator left running is ended to the last process, and that of another one is not', async () => {
  const [ours, theirs] = [await leave('ours'), await leave('theirs')];
  const inside = descendantsOf([ours.pid ?? 0]);
  const ended = once(ours, 'exit');

  expect(endOrphans(join(dir, 'ours'))).toBeGreaterThan(0);

  await ended;
  await until(() => livingOf(inside).length === 0);
  expect(theirs.exitCode ?? theirs.signalCode).toBeNull();
  expect(endOrphans(join(dir, 'ours'))).toBe(0);
});
