/** A commit that was evaluated before: pushed again, it has its jobs at once, and nothing evaluates. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EvaluationView } from '@argunix/shared/control-api/views';
import { runProcess } from '@argunix/shared/kit/run-process';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { until } from '../coordinator/test/until.ts';
import { SANDBOXED } from './harness/coordinator.ts';
import { flakeOf } from './harness/flake-text.ts';
import { type Site, startSite } from './harness/site.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

vi.setConfig({ testTimeout: 120_000 });

const FLAKE = flakeOf('a = build "a" "echo > $out"; b = build "b" "exit 1"; broken = throw "its own words";');

let dir: string;
let site: Site;
tellWarningsOfFailed(() => site.coordinator().log());
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-reuse-'));
  const watched = { watched_branches: ['**'] };
  site = await startSite({
    dir,
    configuration: {},
    repositories: {
      commit: watched,
      tree: { ...watched, eval: { reuse_same_tree: true } },
      collected: watched,
      restarted: watched,
    },
  });
});
afterAll(async () => {
  await site.stop();
  await rm(dir, { recursive: true, force: true });
});

async function evaluationsOf(name: string): Promise<readonly EvaluationView[]> {
  return await site.coordinator().get(`/api/v1/evals?limit=100&repo=here/a/${name}`, z.array(EvaluationView));
}
/** The newest evaluation of a ref, when it has ended. */
async function endedAt(name: string, ref: string): Promise<EvaluationView> {
  let found: EvaluationView | undefined;
  await until(
    `the evaluation of ${ref} ends`,
    async () => {
      found = (await evaluationsOf(name)).find((one) => one.ref === ref);
      return (found?.finished_at ?? null) !== null;
    },
    100_000,
    50,
  );
  if (found === undefined) {
    throw new Error('it ended and is not there');
  }
  return found;
}
/** The branch as it is now, once more under another name. */
async function pushAs(name: string, branch: string): Promise<EvaluationView> {
  await site.repository(name).git('branch', branch);
  await site.poke(name);
  return await endedAt(name, `refs/heads/${branch}`);
}
/** How often an evaluator ended, by what the coordinator logs. */
function evaluatorsOf(id: number): number {
  return site
    .coordinator()
    .log()
    .split('\n')
    .filter((line) => line.includes('"evaluator ended"') && line.includes(`"evaluationId":${id},`)).length;
}
async function jobsOf(id: number) {
  return Object.values(await site.jobs(id)).map(({ attr, name, drv_path, outputs, reason, status }) => ({
    ...{ attr, name, drv_path, outputs },
    reason: drv_path === null ? reason : null,
    isCached: status === 'cached',
  }));
}

/** As the collector does, once nobody holds it any more: what was asked about is held for some seconds. */
async function collect(drvPath: string): Promise<void> {
  await until(
    `${drvPath} is collected`,
    async () => {
      const { ending } = await runProcess({
        command: 'nix-store',
        args: ['--delete', drvPath],
        env: {
          PATH: process.env['PATH'],
          HOME: dir,
          // Otherwise its output, which is rooted, keeps it.
          NIX_CONFIG: `${SANDBOXED}keep-derivations = false`,
        },
        deadlineMs: 60_000,
      });
      return ending.kind === 'exited' && ending.code === 0;
    },
    60_000,
    500,
  );
}

test('the same commit on another branch: the same jobs, cached where they were built, and no evaluator', async () => {
  const first = await site.push('commit', { 'flake.nix': FLAKE });
  expect(evaluatorsOf(first.id)).toBe(1);

  const second = await pushAs('commit', 'again');

  expect(second).toMatchObject({ sha: first.sha, status: 'done', outcome: 'failure', reused_from: first.id });
  expect(second.counts).toMatchObject({ total: 3, cached: 1, failure: 2 });
  const unbuilt = (await jobsOf(first.id)).map((job) => ({ ...job, isCached: job.name === 'a' }));
  expect(await jobsOf(second.id)).toEqual(unbuilt);
  expect(evaluatorsOf(second.id)).toBe(0);
});

test('another commit with the same files, where reuse_same_tree is on', async () => {
  const first = await site.push('tree', { 'flake.nix': FLAKE });
  const second = await site.push('tree', {});

  expect(second.sha).not.toBe(first.sha);
  expect(second).toMatchObject({ status: 'done', reused_from: first.id });
  expect(evaluatorsOf(second.id)).toBe(0);
});

test('where a derivation was collected, the commit is evaluated anew', async () => {
  const first = await site.push('collected', { 'flake.nix': flakeOf('gone = build "gone" "echo > $out";') });
  const [job] = await jobsOf(first.id);
  await collect(job?.drv_path ?? '');

  const second = await pushAs('collected', 'again');

  expect(second).toMatchObject({ status: 'done', outcome: 'success', reused_from: null });
  expect(evaluatorsOf(second.id)).toBe(1);
});

test('a restart evaluates anew', async () => {
  const first = await site.push('restarted', { 'flake.nix': FLAKE });
  const { status } = await site.command(`/evals/${first.id}/restart`);
  expect(status).toBe(201);

  await until('it is done again', async () => {
    const [newest] = await evaluationsOf('restarted');
    return newest?.restart_of === first.id && newest.status === 'done';
  });

  const [newest] = await evaluationsOf('restarted');
  expect(newest?.reused_from).toBeNull();
  expect(evaluatorsOf(newest?.id ?? 0)).toBe(1);
});
