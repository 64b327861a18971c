/** Builds that print too much, take too long, are killed or do not want to die: each ends as what it is. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobView } from '@argunix/shared/control-api/views';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { until } from '../coordinator/test/until.ts';
import { flakeOf, goodFlake, NAP } from './harness/flake-text.ts';
import { processesWith } from './harness/processes.ts';
import { type Site, startSite } from './harness/site.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

vi.setConfig({ testTimeout: 180_000 });

const MIB = 1024 ** 2;
// Nix's own ladder and ours, with room for a busy host.
const GONE_WITHIN_MS = 25_000;
const PREFIX = 'packages.x86_64-linux';

let dir: string;
let site: Site;
tellWarningsOfFailed(() => site.coordinator().log());
let strict: Site;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-bad-builds-'));
  site = await startSite({
    dir: await mkdtemp(join(dir, 'usual-')),
    configuration: { schedule: { infrastructure_retries: 1, infrastructure_retry_seconds: 1 } },
    repositories: { talks: {}, line: {}, killed: {}, stubborn: {} },
  });
  strict = await startSite({
    dir: await mkdtemp(join(dir, 'strict-')),
    configuration: { schedule: { build_timeout_seconds: 8, max_silent_seconds: 4 } },
    repositories: { slow: {} },
  });
});
afterAll(async () => {
  await Promise.all([site.stop(), strict.stop()]);
  await rm(dir, { recursive: true, force: true });
});

async function expectNextPushIsBuilt(where: Site, name: string): Promise<void> {
  expect(await where.push(name, { 'flake.nix': goodFlake() })).toMatchObject({
    status: 'done',
    outcome: 'success',
  });
}
async function build(where: Site, name: string, script: string): Promise<JobView> {
  const { id } = await where.push(name, { 'flake.nix': flakeOf(`it = build "it" ''${script}'';`) });
  const job = (await where.jobs(id))[`${PREFIX}.it`];
  if (job === undefined) {
    throw new Error('there is no such job');
  }
  return job;
}

test('one that prints more than a log holds is built; the log has its beginning and its end', async () => {
  const job = await build(
    site,
    'talks',
    `set -e
    line=0123456789abcdefghijklmnopqrstuvwxyz; line=$line$line$line; line=$line$line$line$line$line$line$line$line$line
    echo the first line
    n=0; while test $n -lt 125000; do echo $n $line; n=$((n + 1)); done
    echo the last line
    echo > $out`,
  );

  expect(job).toMatchObject({ status: 'success', reason: null });
  const text = await site.logText(job.id);
  expect(text.slice(0, 100)).toContain('the first line');
  expect(text.slice(-100)).toContain('the last line');
  expect(text).toMatch(/left out/);
  expect(text.length).toBeLessThan(110 * MIB);
  // Text of a loop: what is stored of it is what zstd makes of it.
  expect((await stat(join(site.dir, 'state/logs/0/1.log.zst'))).size).toBeLessThan(10 * MIB);
  await expectNextPushIsBuilt(site, 'talks');
});

test('one that prints 50 MB without a line end is built, and its log says how much was left out', async () => {
  const job = await build(
    site,
    'line',
    `set -e
    x=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; x=$x$x$x$x$x$x$x$x$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x
    n=0; while test $n -lt 6400; do echo -n $x; n=$((n + 1)); done
    echo > $out`,
  );

  expect(job).toMatchObject({ status: 'success' });
  const text = await site.logText(job.id);
  expect(text.length).toBeLessThan(2 * MIB);
  expect(text).toMatch(/xxx … \(\d{8} bytes of this line left out\)\n$/);
  await expectNextPushIsBuilt(site, 'line');
});

test('one that takes too long, and one that says nothing for too long, are stopped and say which it was', async () => {
  const word = randomUUID();
  const { id, outcome } = await strict.push('slow', {
    'flake.nix': flakeOf(`
      long = build "long" ": ${word}; ${NAP} while :; do echo tick; nap 0.5; done";
      silent = build "silent" ": ${word}; ${NAP} while :; do nap 10; done";`),
  });

  expect(outcome).toBe('failure');
  const jobs = await strict.jobs(id);
  expect(jobs[`${PREFIX}.long`]?.status).toBe('timed_out');
  expect(jobs[`${PREFIX}.long`]?.reason).toMatch(/took longer than 8 s.*build_timeout_seconds/);
  expect(jobs[`${PREFIX}.silent`]?.status).toBe('timed_out');
  expect(jobs[`${PREFIX}.silent`]?.reason).toMatch(/said nothing for 4 s.*max_silent_seconds/);
  expect(processesWith(word)).toEqual([]);
  await expectNextPushIsBuilt(strict, 'slow');
});

test('one that is killed by signal 9 is tried again and then an error, never a failure', async () => {
  const word = randomUUID();
  const repository = site.repository('killed');
  const sha = await repository.commit({
    'flake.nix': flakeOf(`it = build "it" ": ${word}; ${NAP} echo ready; while :; do nap 10; done";`),
  });
  await site.poke('killed');
  const killed = new Set<number>();
  const whileItWaits = new Set<string | null>();
  await until(
    'its builder was killed twice',
    async () => {
      for (const pid of processesWith(word).filter((one) => !killed.has(one))) {
        killed.add(pid);
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended by itself since it was listed.
        }
      }
      const evaluation = await site.evaluation('killed', sha);
      const job = evaluation === undefined ? undefined : (await site.jobs(evaluation.id))[`${PREFIX}.it`];
      if (job?.status === 'queued') {
        whileItWaits.add(job.reason);
      }
      return evaluation?.status === 'done';
    },
    120_000,
    50,
  );

  const evaluation = await site.ended('killed', sha);
  expect(evaluation.outcome).toBe('error');
  const job = (await site.jobs(evaluation.id))[`${PREFIX}.it`];
  expect(job?.status).toBe('error');
  expect(job?.reason).toMatch(/^Tried 2 times: .*signal 9.*ran out of memory/);
  expect([...whileItWaits].join('\n')).toMatch(/^It is tried again \(1 of 1\): .*signal 9/m);
  await expectNextPushIsBuilt(site, 'killed');
});

test.each(['jobs', 'evals'] as const)(
  'one that ignores TERM is gone when it is cancelled by /%s, and its place is free',
  async (what) => {
    const word = randomUUID();
    const sha = await site.repository('stubborn').commit({
      'flake.nix': flakeOf(
        `it = build "it" ": ${word}; trap \\"\\" TERM INT HUP; ${NAP} echo ready; while :; do nap 1; done";`,
      ),
    });
    await site.poke('stubborn');
    const find = (): ReturnType<Site['evaluation']> => site.evaluation('stubborn', sha);
    const job = await site.jobWhen(find, `${PREFIX}.it`, ({ status }) => status === 'running');
    await until('it is at work', async () => (await site.logText(job.id)).includes('ready'), 30_000, 50);
    expect(processesWith(word)).not.toEqual([]);

    const answer = await site.command(`/${what}/${what === 'jobs' ? job.id : job.eval_id}/cancel`);

    expect(answer.status).toBe(200);
    await until('nothing of it is left', () => processesWith(word).length === 0, GONE_WITHIN_MS, 50);
    const evaluation = await site.ended('stubborn', sha);
    const ended = (await site.jobs(evaluation.id))[`${PREFIX}.it`];
    expect(ended?.status).toBe('cancelled');
    expect(ended?.reason).toMatch(/^It was cancelled/);
    expect(evaluation.status).toBe(what === 'jobs' ? 'done' : 'cancelled');
    expect(await site.command(`/jobs/${job.id}/cancel`)).toMatchObject({ status: 409 });
    await expectNextPushIsBuilt(site, 'stubborn');
  },
);
