/** SIGTERM: everybody is told, nothing is left running, and what was interrupted is taken up by the next start. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendantsOf, livingOf } from '@argunix/shared/kit/descendants';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { until } from '../coordinator/test/until.ts';
import { SANDBOXED } from './harness/coordinator.ts';
import { COUNT_FOR_EVER, flakeOf, goodFlake, NAP } from './harness/flake-text.ts';
import { processesWith } from './harness/processes.ts';
import { type Site, startSite } from './harness/site.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

vi.setConfig({ testTimeout: 180_000 });

// 20 s is what is promised; the rest is for a host that is busy with other tests.
const STOPS_WITHIN_MS = 40_000;
const JOB = 'packages.x86_64-linux.it';

let dir: string;
let site: Site;
tellWarningsOfFailed(() => site.coordinator().log());
let word: string;
beforeEach(async () => {
  word = randomUUID();
  dir = await mkdtemp(join(tmpdir(), 'argunix-stopping-'));
  await mkdir(join(dir, 'gate'));
  site = await startSite({
    dir,
    nixConfig: SANDBOXED.replace('bash-static', `bash-static /gate=${join(dir, 'gate')}`),
    configuration: {},
    repositories: { sample: {} },
  });
});
afterEach(async () => {
  await site.stop();
  await rm(dir, { recursive: true, force: true });
});

/** A build that ignores TERM until the gate is open; then it is done in no time. */
const stubborn = (): string =>
  flakeOf(`it = build "it" ''
    : ${word}
    if test -e /gate/open; then echo > $out; exit; fi
    trap "" TERM INT HUP; ${NAP}
    while :; do echo at work; nap 0.2; done'';`);

interface Follower {
  said(): string;
  /** Undefined when it ended in order, else what broke it. */
  readonly ended: Promise<unknown>;
}

async function follow(path: string): Promise<Follower> {
  const response = await fetch(`${site.coordinator().url}${path}`, {
    headers: { accept: 'text/event-stream' },
  });
  expect(response.status).toBe(200);
  let said = '';
  async function read(): Promise<unknown> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        said += decoder.decode(chunk, { stream: true });
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }
  return { said: () => said, ended: read() };
}

/** A connection that a browser keeps for its next request. */
async function park(): Promise<{ readonly closed: Promise<void> }> {
  const agent = new Agent({ keepAlive: true });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const { promise: parked, resolve: answered, reject } = Promise.withResolvers<void>();
  get(`${site.coordinator().url}/healthz`, { agent }, (response) => {
    response.socket.once('close', () => resolve());
    response.resume().once('end', () => answered());
  }).once('error', reject);
  await parked;
  return { closed };
}

test('with logs and events followed and a build that ignores TERM it ends with 0, leaves nothing, and takes up the job', async () => {
  const sha = await site.repository('sample').commit({ 'flake.nix': stubborn() });
  await site.poke('sample');
  const job = await site.jobWhen(
    () => site.evaluation('sample', sha),
    JOB,
    ({ status }) => status === 'running',
  );
  const log = await follow(`/api/v1/jobs/${job.id}/log/stream`);
  const events = await follow('/api/v1/events');
  const parked = await park();
  await until('the log is followed', () => log.said().includes('at work'), 30_000);
  const { pid = 0 } = site.coordinator().process;
  const family = descendantsOf([pid]);
  expect(processesWith(word)).not.toEqual([]);

  const before = performance.now();
  const how = await site.coordinator().kill('SIGTERM');
  const tookMs = performance.now() - before;

  expect(how, site.coordinator().log().slice(-2_000)).toBe(0);
  expect(tookMs).toBeLessThan(STOPS_WITHIN_MS);
  expect([await log.ended, await events.ended]).toEqual([undefined, undefined]);
  await parked.closed;
  expect(livingOf(family)).toEqual([]);
  expect(processesWith(word)).toEqual([]);

  await writeFile(join(dir, 'gate/open'), '');
  await site.restart();
  expect(await site.ended('sample', sha)).toMatchObject({ status: 'done', outcome: 'success' });
  const [again] = Object.values(await site.jobs((await site.evaluation('sample', sha))?.id ?? 0));
  expect(again).toMatchObject({ id: job.id, status: 'success', attempts: 1 });
  expect(await site.push('sample', { 'flake.nix': goodFlake() })).toMatchObject({ outcome: 'success' });
});

test('a second SIGTERM changes nothing', async () => {
  const sha = await site.repository('sample').commit({ 'flake.nix': stubborn() });
  await site.poke('sample');
  await site.jobWhen(
    () => site.evaluation('sample', sha),
    JOB,
    ({ status }) => status === 'running',
  );
  await until('it is at work', () => processesWith(word).length > 0);
  const family = descendantsOf([site.coordinator().process.pid ?? 0]);

  site.coordinator().process.kill('SIGTERM');
  const how = await site.coordinator().kill('SIGTERM');

  expect(how).toBe(0);
  expect(livingOf(family)).toEqual([]);
  expect(processesWith(word)).toEqual([]);
  await writeFile(join(dir, 'gate/open'), '');
  await site.restart();
  expect(await site.ended('sample', sha)).toMatchObject({ outcome: 'success' });
});

test('while it evaluates it ends with 0, leaves nothing, and evaluates again after the start', async () => {
  const sha = await site.repository('sample').commit({
    'flake.nix': flakeOf(`it = build "a\${toString (${COUNT_FOR_EVER})}" "";`),
  });
  const isEvaluating = async (): Promise<boolean> =>
    (await site.evaluation('sample', sha))?.status === 'evaluating';
  await site.poke('sample');
  await until('it evaluates', isEvaluating, 30_000);
  await until('an evaluator is at work', () => processesWith(`${dir}/state`).length > 1, 30_000);
  const family = descendantsOf([site.coordinator().process.pid ?? 0]);

  expect(await site.coordinator().kill('SIGTERM')).toBe(0);

  expect(livingOf(family)).toEqual([]);
  await site.restart();
  await until('it evaluates again', isEvaluating, 30_000);
  const id = (await site.evaluation('sample', sha))?.id;
  expect(await site.command(`/evals/${id}/cancel`)).toMatchObject({ status: 200 });
  expect(await site.push('sample', { 'flake.nix': goodFlake() })).toMatchObject({ outcome: 'success' });
});
