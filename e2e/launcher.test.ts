/** The launcher of programs is killed in the middle of a build, and in the middle of an evaluation. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendantsOf } from '@argunix/shared/kit/descendants';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { until } from '../coordinator/test/until.ts';
import { SANDBOXED } from './harness/coordinator.ts';
import { COUNT_FOR_EVER, flakeOf, goodFlake, NAP } from './harness/flake-text.ts';
import { processesWith } from './harness/processes.ts';
import { type Site, startSite } from './harness/site.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

vi.setConfig({ testTimeout: 180_000 });

const JOB = 'packages.x86_64-linux.it';

let dir: string;
let site: Site;
tellWarningsOfFailed(() => site.coordinator().log());
let word: string;
beforeEach(async () => {
  word = randomUUID();
  dir = await mkdtemp(join(tmpdir(), 'argunix-launcher-'));
  await mkdir(join(dir, 'gate'));
  site = await startSite({
    dir,
    nixConfig: SANDBOXED.replace('bash-static', `bash-static /gate=${join(dir, 'gate')}`),
    configuration: { schedule: { infrastructure_retry_seconds: 0.2 } },
    repositories: { sample: {} },
  });
});
afterEach(async () => {
  await site.stop();
  await rm(dir, { recursive: true, force: true });
});

function launcher(): number {
  const ours = descendantsOf([site.coordinator().process.pid ?? Number.NaN]).map(({ pid }) => pid);
  const [found] = processesWith('launcher-process').filter((pid) => ours.includes(pid));
  if (found === undefined) {
    throw new Error('expected the coordinator to have a launcher');
  }
  return found;
}

test('a build whose launcher is killed ends with it, and is built again', async () => {
  const sha = await site.repository('sample').commit({
    'flake.nix': flakeOf(`it = build "it" ''
      : ${word}
      if test -e /gate/open; then echo > $out; exit; fi
      ${NAP}
      while :; do nap 0.2; done'';`),
  });
  await site.poke('sample');
  await until('it is at work', () => processesWith(word).length > 0, 60_000);
  await writeFile(join(dir, 'gate/open'), '');

  process.kill(launcher(), 'SIGKILL');

  expect(await site.ended('sample', sha)).toMatchObject({ status: 'done', outcome: 'success' });
  const [job] = Object.values(await site.jobs((await site.evaluation('sample', sha))?.id ?? 0));
  expect(job).toMatchObject({ attr: JOB, status: 'success' });
});

test('an evaluation whose launcher is killed is tried again, and nothing of it is left', async () => {
  const sha = await site.repository('sample').commit({
    'flake.nix': flakeOf(`it = build "a\${toString (${COUNT_FOR_EVER})}" "";`),
  });
  await site.poke('sample');
  const evaluators = (): readonly number[] => processesWith(`${dir}/state/worktrees`);
  await until('an evaluator is at work', () => evaluators().length > 0, 60_000);
  const before = evaluators();

  process.kill(launcher(), 'SIGKILL');

  await until('it is gone', () => !evaluators().some((pid) => before.includes(pid)), 60_000);
  await until('another one is at work', () => evaluators().length > 0, 60_000);
  // A process that is killed is else taken for one that the kernel had no memory for.
  expect(site.coordinator().log()).not.toContain('out of memory');
  const id = (await site.evaluation('sample', sha))?.id;
  expect(await site.command(`/evals/${id}/cancel`)).toMatchObject({ status: 200 });
  expect(await site.push('sample', { 'flake.nix': goodFlake() })).toMatchObject({ outcome: 'success' });
});
