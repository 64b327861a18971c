/**
 * One coordinator that builds nothing itself, and real agents on hosts of their own: another store, another address, a
 * road that is cut, goes dead, or is slow. Every wait is a twentieth of what it is in use.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuilderView } from '@argunix/shared/control-api/builder-views';
import type { JobView } from '@argunix/shared/control-api/views';
import { messageOf } from '@argunix/shared/kit/app-error';
import { outputOf } from '@argunix/shared/kit/run-process';
import { installedNixes } from '@argunix/shared/nix/testing/real-nix';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { until } from '../coordinator/test/until.ts';
import { type AgentOptions, type RunningAgent, startAgent } from './harness/agent.ts';
import { SANDBOXED } from './harness/coordinator.ts';
import { flakeOf, NAP } from './harness/flake-text.ts';
import { mayMakeHosts } from './harness/network.ts';
import { openRoad, type Road } from './harness/proxy.ts';
import { type Site, type SiteOptions, startSite } from './harness/site.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const TOKEN = 'a token of the builders test';
const WAIT_MS = 60_000;
// Digits of chance: compressed, they are still half.
const ONE_MEGABYTE_OF_CHANCE =
  'for ((i = 0; i < 60000; i++)); do printf %x%x%x%x $RANDOM $RANDOM $RANDOM $RANDOM; done > $out';
const EIGHT_MEGABYTES =
  'x=0123456789abcdef; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do x=$x$x; done; printf %s $x > $out';
// Five seconds by twenty.
const HEARTBEAT_S = 0.25;

let dir: string;
let site: Site;
const agents = new Set<RunningAgent>();
const roads = new Set<Road>();

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-builders-'));
  await writeFile(join(dir, 'token'), TOKEN, { mode: 0o600 });
  site = await startSite(siteOptions(dir));
});

function siteOptions(root: string): SiteOptions {
  return {
    dir: root,
    configuration: {
      local_builds: false,
      schedule: { builder_wait_seconds: 10, infrastructure_retry_seconds: 0.2 },
      builder_enrollment: {
        listen: '0.0.0.0:0',
        token_path: join(dir, 'token'),
        heartbeat_seconds: HEARTBEAT_S,
      },
    },
    nixConfig: `${SANDBOXED}system-features = big-parallel benchmark kvm\n`,
    repositories: { app: {} },
  };
}
tellWarningsOfFailed(() => site.coordinator().log());
afterEach(async () => {
  await Promise.all([...agents].map((agent) => agent.remove()));
  agents.clear();
  for (const road of roads) {
    road.close();
  }
  roads.clear();
});
afterAll(async () => {
  await site.stop();
  await rm(dir, { recursive: true, force: true });
});

function port(): number {
  const said = [
    ...site
      .coordinator()
      .log()
      .matchAll(/"address":"[^"]*:(\d+)","msg":"builders may dial in"/g),
  ];
  return Number(said.at(-1)?.[1]);
}
function enlist(name: string, given: Partial<AgentOptions> = {}): RunningAgent {
  const agent = startAgent({ dir, name, port: port(), tokenPath: join(dir, 'token'), ...given });
  agents.add(agent);
  return agent;
}
async function builder(name: string): Promise<BuilderView | undefined> {
  const all = await site.coordinator().get('/api/v1/builders', z.array(BuilderView));
  return all.find((one) => one.name === name);
}
/** A road from the builder's net to the coordinator, which it follows over a restart. */
async function openRoadTo(): Promise<Road> {
  const road = await openRoad('0.0.0.0', port);
  roads.add(road);
  return road;
}
async function ctl(...args: readonly string[]): Promise<string> {
  return await outputOf({
    command: join(import.meta.dirname, '../ctl/bin/argunixctl'),
    args: ['--socket', join(dir, 'state/control/argunix.sock'), ...args],
    env: { PATH: process.env['PATH'], HOME: dir },
    deadlineMs: 30_000,
  });
}
/** A line of the log of the one job of this name is there to be read. */
async function logHas(name: string, sha: string, attr: string, text: string): Promise<void> {
  await until(
    `the log of ${attr} has ${text}`,
    async () => {
      const evaluation = await site.evaluation(name, sha);
      const job =
        evaluation === undefined
          ? undefined
          : (await site.jobs(evaluation.id))[`packages.x86_64-linux.${attr}`];
      return job !== undefined && (await site.logText(job.id)).includes(text);
    },
    WAIT_MS,
    100,
  );
}
async function untilReady(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    try {
      await until(`${name} is ready`, async () => (await builder(name))?.state === 'ready', WAIT_MS, 50);
    } catch (error) {
      const agent = [...agents].find((one) => one.name === name);
      const said = [agent?.log(), site.coordinator().log()].map((log) => log?.slice(-3_000));
      throw new Error([messageOf(error), ...said].join('\n\n'), { cause: error });
    }
  }
}
interface Lease {
  readonly builder: string;
  readonly state: string;
  readonly ending: string;
}
function leasesOf(job: JobView | undefined): readonly Lease[] {
  return leases()
    .filter(({ drv_path }) => drv_path === job?.drv_path)
    .map(({ builder: by, state, ending }) => ({ builder: by, state, ending }));
}
function leases(): readonly (Lease & { readonly drv_path: string })[] {
  const database = new Database(join(dir, 'state/argunix.sqlite'), { readonly: true });
  try {
    return database.prepare('select drv_path, builder, state, ending from leases order by id').all() as never;
  } finally {
    database.close();
  }
}

describe.skipIf(!mayMakeHosts())('agents on hosts of their own', () => {
  test('what is built there is here, with its log, and what failed says why', async () => {
    enlist('one');
    await untilReady('one');
    const evaluation = await site.push('app', {
      'flake.nix': flakeOf(
        `base = build "base" "echo base > $out";
         app = buildWith { base = buildWith { } "base" "echo base > $out"; } "app" "echo using $base; read x < $base; echo $base > $out";
         bad = build "bad" "echo to be bad; exit 3";`,
      ),
    });
    const jobs = await site.jobs(evaluation.id);

    expect(Object.values(jobs).map(({ name, status, builder: by }) => [name, status, by])).toEqual([
      ['app', 'success', 'one'],
      ['bad', 'failure', 'one'],
      ['base', 'success', 'one'],
    ]);
    expect(jobs['packages.x86_64-linux.app']?.bytes.pulled).toBeGreaterThan(0);
    expect(await site.logText(jobs['packages.x86_64-linux.bad']?.id ?? 0)).toContain('to be bad');
  });

  test('a build goes on while its road is cut, and is told once', async () => {
    const road = await openRoadTo();
    const agent = enlist('cut', { port: road.port });
    await untilReady('cut');
    const sha = await site.repository('app').commit({
      'flake.nix': flakeOf(
        `long = build "long" "${NAP} echo one; nap 1; echo two; nap 3; echo three; echo long > $out";`,
      ),
    });
    await site.poke('app');
    await logHas('app', sha, 'long', 'one');
    road.set('closed');
    await until('it is away', async () => (await builder('cut'))?.state === 'absent', WAIT_MS, 50);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    road.set('fair');
    const evaluation = await site.ended('app', sha);
    const job = (await site.jobs(evaluation.id))['packages.x86_64-linux.long'];

    expect([job?.status, job?.reason]).toEqual(['success', null]);
    expect((await site.logText(job?.id ?? 0)).match(/> (one|two|three)$/gm)).toEqual([
      '> one',
      '> two',
      '> three',
    ]);
    expect(leasesOf(job)).toEqual([{ builder: 'cut', state: 'ended', ending: 'built' }]);
    expect(agent.log().match(/a build began/g)).toHaveLength(1);
  });

  test('a road that goes dead without a word is noticed; back within the grace, no build is lost', async () => {
    const road = await openRoadTo();
    enlist('dead', { port: road.port });
    await untilReady('dead');
    const sha = await site.repository('app').commit({
      'flake.nix': flakeOf(`long = build "long" "${NAP} echo one; nap 8; echo two; echo long > $out";`),
    });
    await site.poke('app');
    await logHas('app', sha, 'long', 'one');
    const deadSince = Date.now();
    road.set('dead');
    await until('it is away', async () => (await builder('dead'))?.state === 'absent', WAIT_MS, 50);
    const noticedMs = Date.now() - deadSince;
    road.set('fair');
    const evaluation = await site.ended('app', sha);
    const job = (await site.jobs(evaluation.id))['packages.x86_64-linux.long'];

    // A hundred seconds at full length.
    expect(noticedMs).toBeLessThan(20 * HEARTBEAT_S * 1_000 + 5_000);
    expect(job?.status).toBe('success');
    expect(await site.logText(job?.id ?? 0)).toMatch(/one\n.*two\n/);
    expect(leasesOf(job)).toHaveLength(1);
  });

  test('a coordinator that is killed takes up again what went on without it', async () => {
    const agent = enlist('patient', { port: (await openRoadTo()).port });
    await untilReady('patient');
    const sha = await site.repository('app').commit({
      'flake.nix': flakeOf(
        `long = build "long" "${NAP} for i in 1 2 3 4 5 6; do echo line $i; nap 1; done; echo long > $out";
         short = build "short" "${NAP} echo line 1; nap 3; echo short > $out";`,
      ),
    });
    await site.poke('app');
    await logHas('app', sha, 'long', 'line 1');
    await site.coordinator().kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await site.restart();
    const evaluation = await site.ended('app', sha);
    const jobs = await site.jobs(evaluation.id);

    expect(Object.values(jobs).map(({ name, status }) => [name, status])).toEqual([
      ['long', 'success'],
      ['short', 'success'],
    ]);
    const lines = (await site.logText(jobs['packages.x86_64-linux.long']?.id ?? 0)).match(/line \d/g);
    expect(lines).toEqual(['line 1', 'line 2', 'line 3', 'line 4', 'line 5', 'line 6']);
    expect(agent.log().match(/a build began/g)).toHaveLength(2);
    expect(
      leases()
        .filter(({ drv_path }) => drv_path.endsWith('-long.drv'))
        .at(-1),
    ).toMatchObject({
      state: 'ended',
      ending: 'built',
    });
  });

  test('an agent that is killed loses what it built to another one, which is no failure', async () => {
    const one = enlist('mortal', { args: ['--speed-factor', '10'] });
    enlist('heir');
    await untilReady('mortal', 'heir');
    const sha = await site.repository('app').commit({
      'flake.nix': flakeOf(`long = build "long" "${NAP} echo one; nap 8; echo long > $out";`),
    });
    await site.poke('app');
    await logHas('app', sha, 'long', 'one');
    one.signal('SIGKILL');
    const evaluation = await site.ended('app', sha);
    const job = (await site.jobs(evaluation.id))['packages.x86_64-linux.long'];

    expect([job?.status, job?.builder]).toEqual(['success', 'heir']);
    expect(leasesOf(job)).toEqual([
      { builder: 'mortal', state: 'lost', ending: 'infrastructure' },
      { builder: 'heir', state: 'ended', ending: 'built' },
    ]);
  });

  test('one that sleeps past the grace is late: another has built it, and it is told to stop', async () => {
    const sleeper = enlist('sleeper', { args: ['--speed-factor', '10'] });
    enlist('awake');
    await untilReady('sleeper', 'awake');
    const sha = await site.repository('app').commit({
      'flake.nix': flakeOf(`long = build "long" "${NAP} echo one; nap 8; echo long > $out";`),
    });
    await site.poke('app');
    await logHas('app', sha, 'long', 'one');
    sleeper.signal('SIGSTOP');
    const evaluation = await site.ended('app', sha);
    sleeper.signal('SIGCONT');
    await untilReady('sleeper');
    const job = (await site.jobs(evaluation.id))['packages.x86_64-linux.long'];

    expect([job?.status, job?.builder]).toEqual(['success', 'awake']);
    expect(leasesOf(job)).toEqual([
      { builder: 'sleeper', state: 'lost', ending: 'infrastructure' },
      { builder: 'awake', state: 'ended', ending: 'built' },
    ]);
    await until(
      'it forgot its lease',
      async () => (await readdir(join(dir, 'sleeper/state/leases'))).length === 0,
      WAIT_MS,
      50,
    );
  });

  test('a slow road is no dead one: what moves is not given up', async () => {
    const road = await openRoadTo();
    enlist('slow', { port: road.port });
    await untilReady('slow');
    // Six seconds and more, where silence of five is a loss.
    road.set({ bytesPerSecond: 70_000 });
    const evaluation = await site.push('app', {
      'flake.nix': flakeOf(`big = build "big" "${ONE_MEGABYTE_OF_CHANCE}";`),
    });
    const job = (await site.jobs(evaluation.id))['packages.x86_64-linux.big'];

    expect(job?.status).toBe('success');
    expect(job?.bytes.pulled).toBeGreaterThan(700_000);
    expect(leasesOf(job)).toHaveLength(1);
    expect((await builder('slow'))?.state).toBe('ready');
  });

  test('a transfer that stands still is ended and tried again, however alive its builder is', async () => {
    const road = await openRoadTo();
    enlist('stuck', { port: road.port });
    await untilReady('stuck');
    road.stallAfter(200_000);
    const evaluation = await site.push('app', {
      'flake.nix': flakeOf(`big = build "big" "${ONE_MEGABYTE_OF_CHANCE}";`),
    });
    const job = (await site.jobs(evaluation.id))['packages.x86_64-linux.big'];

    expect(job?.status).toBe('success');
    expect(site.coordinator().log()).toContain('something is tried again');
    expect(leasesOf(job)).toHaveLength(1);
  });

  test('one that is asked to stop finishes what it has and is not missed', async () => {
    const leaving = enlist('leaving', { args: ['--speed-factor', '10'] });
    await untilReady('leaving');
    const sha = await site.repository('app').commit({
      'flake.nix': flakeOf(`long = build "long" "${NAP} echo one; nap 2; echo long > $out";`),
    });
    await site.poke('app');
    await logHas('app', sha, 'long', 'one');
    leaving.signal('SIGTERM');
    const evaluation = await site.ended('app', sha);

    expect(await leaving.ended).toBe(0);
    const job = (await site.jobs(evaluation.id))['packages.x86_64-linux.long'];
    expect([job?.status, job?.builder]).toEqual(['success', 'leaving']);
  });

  test('argunixctl invites, drains, resumes, renames, revokes and removes, and the agents feel it', async () => {
    const { token } = await ctl('builders', 'invite', 'guest', '--json').then(
      (text) => JSON.parse(text) as { token: string },
    );
    await writeFile(join(dir, 'invitation'), token, { mode: 0o600 });
    const guest = enlist('guest', { tokenPath: join(dir, 'invitation'), trusts: false });
    await untilReady('guest');
    await ctl('builders', 'drain', 'guest');
    await until('it is paused', async () => (await builder('guest'))?.state === 'paused', WAIT_MS, 50);
    const sha = await site.repository('app').commit({
      'flake.nix': flakeOf('quick = build "quick" "echo > $out";'),
    });
    await site.poke('app');
    await until(
      'it says whom it waits for',
      async () => {
        const evaluation = await site.evaluation('app', sha);
        const [job] = evaluation === undefined ? [] : Object.values(await site.jobs(evaluation.id));
        return job?.reason?.includes('Waits for guest, which takes nothing new') === true;
      },
      WAIT_MS,
      50,
    );
    await ctl('builders', 'resume', 'guest');
    const evaluation = await site.ended('app', sha);
    expect(evaluation.outcome).toBe('success');

    await ctl('builders', 'rename', 'guest', 'friend');
    await untilReady('friend');
    expect(await ctl('builders', 'show', 'friend')).toContain('friend');
    await ctl('builders', 'revoke', 'friend');
    // Refused for good: it ends by itself, and says why.
    expect(await guest.ended).toBe(1);
    expect(guest.log()).toContain('was revoked');
    await ctl('builders', 'remove', 'friend');
    // The one that was revoked may know the token: until its file changes, it lets nobody in.
    await writeFile(join(dir, 'token'), `${TOKEN} anew`, { mode: 0o600 });
    expect(await builder('friend')).toBeUndefined();
  });

  test('three agents, two kinds of work, one killed, one stalled, and a restart in the middle: nothing is built twice', async () => {
    const road = await openRoadTo();
    const stalled = await openRoadTo();
    const features = (name: string): string => `${SANDBOXED}system-features = ${name}\n`;
    enlist('steady', { port: road.port, nixConfig: features('benchmark big-parallel') });
    enlist('stalling', { port: stalled.port, nixConfig: features('benchmark') });
    const doomed = enlist('doomed', { port: road.port, nixConfig: features('big-parallel') });
    await untilReady('steady', 'stalling', 'doomed');
    const jobsOf = (kind: string, feature: string): string =>
      [1, 2, 3, 4]
        .map(
          (at) =>
            `${kind}${at} = buildWith { requiredSystemFeatures = [ "${feature}" ]; } "${kind}${at}" "${NAP} echo ${kind}${at} begins; nap 2; echo ${kind}${at} > $out";`,
        )
        .join('\n');
    const sha = await site.repository('app').commit({
      'flake.nix': flakeOf(
        `${jobsOf('heavy', 'big-parallel')}
         ${jobsOf('speed', 'benchmark')}
         all = buildWith { needs = [ ${[1, 2, 3, 4].map((at) => `"\${self.packages.x86_64-linux.heavy${at}}"`).join(' ')} ]; } "all" "echo $needs > $out";`,
      ),
    });
    await site.poke('app');
    await until(
      'work is under way',
      async () => {
        const busy = await Promise.all(['steady', 'stalling', 'doomed'].map(builder));
        return busy.every((one) => (one?.slots_used ?? 0) > 0);
      },
      WAIT_MS,
      50,
    );
    // Longer than a silent one is waited for.
    stalled.set('dead');
    doomed.signal('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await site.restart();
    await new Promise((resolve) => setTimeout(resolve, 5_500));
    stalled.set('fair');
    const evaluation = await site.ended('app', sha);
    const jobs = Object.values(await site.jobs(evaluation.id));

    expect(jobs.map(({ name, status }) => [name, status])).toEqual(
      ['all', 'heavy1', 'heavy2', 'heavy3', 'heavy4', 'speed1', 'speed2', 'speed3', 'speed4'].map((name) => [
        name,
        'success',
      ]),
    );
    const built = leases().filter(({ ending }) => ending === 'built');
    for (const { drv_path: drvPath } of jobs) {
      expect(built.filter(({ drv_path }) => drv_path === drvPath)).toHaveLength(1);
    }
  });
});

const NEWER = installedNixes().find(({ title }) => title === 'Nix 2.26');

describe.skipIf(!mayMakeHosts() || NEWER === undefined)('the two ends on different versions of Nix', () => {
  const newer = NEWER?.env['PATH'] ?? '';

  test('a newer agent builds for an older coordinator', async () => {
    enlist('newer', { env: { PATH: newer } });
    await untilReady('newer');
    const jobs = await jobsOfAll(site);

    expect(jobs.map(({ name, status, builder: where }) => [name, status, where])).toEqual([
      ['bad', 'failure', 'newer'],
      ['big', 'success', 'newer'],
      ['chain', 'success', 'newer'],
      ['source', 'success', 'newer'],
      ['two', 'success', 'newer'],
    ]);
  });
});

/** A chain with a source file, something large, something with many files, and a failure. */
async function jobsOfAll(place: Site): Promise<readonly JobView[]> {
  const evaluation = await place.push('app', {
    'letter.txt': 'a source that travels',
    'flake.nix': flakeOf(
      `big = build "big" "${EIGHT_MEGABYTES}";
       source = buildWith { letter = ./letter.txt; } "source" "read -r x < $letter || :; echo got $x; echo $x > $out";
       chain = buildWith { needs = [ "\${self.packages.x86_64-linux.big}" "\${self.packages.x86_64-linux.source}" ]; } "chain" "echo $needs > $out";
       two = buildWith { outputs = [ "out" "dev" ]; } "two" "echo $dev > $out; echo dev > $dev";
       bad = build "bad" "exit 4";`,
    ),
  });
  return Object.values(await place.jobs(evaluation.id));
}
