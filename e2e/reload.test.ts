/** The configuration is read again while the coordinator runs: what changes, what is left alone, what is refused. */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReloadView } from '@argunix/shared/control-api/reload-view';
import { type FinishedProcess, runProcess } from '@argunix/shared/kit/run-process';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { until } from '../coordinator/test/until.ts';
import { type RunningCoordinator, SANDBOXED, startCoordinator } from './harness/coordinator.ts';
import { type FlakeRepository, makeFlakeRepository } from './harness/flake-repository.ts';

// Builds wait for a mark outside, which a sandbox would hide.
const UNSANDBOXED = SANDBOXED.replace('sandbox = true', 'sandbox = false');

// Some seconds on a host of its own; each wait has its own deadline.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

let dir: string;
let marks: string;
let one: FlakeRepository;
let other: FlakeRepository;
let coordinator: RunningCoordinator;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-reload-'));
  marks = join(dir, 'marks');
  await mkdir(marks);
  await chmod(dir, 0o755);
  await chmod(marks, 0o777);
  one = await makeFlakeRepository(join(dir, 'one'));
  other = await makeFlakeRepository(join(dir, 'other'));
  await one.commit({ 'flake.nix': slowFlake('one') });
  await other.commit({ 'flake.nix': slowFlake('other') });
  coordinator = await startCoordinator({
    dir,
    nixConfig: UNSANDBOXED,
    configuration: configurationOf({ 'a/one': one }),
  });
});
afterEach(async () => {
  await coordinator.kill('SIGTERM');
  await rm(dir, { recursive: true, force: true });
});

/** Its job is built until there is a mark of that name. */
function slowFlake(mark: string): string {
  return `{ outputs = _: { packages.x86_64-linux.slow = derivation {
    name = "slow-${mark}"; system = "x86_64-linux"; builder = "/bin/sh"; salt = "${randomUUID()}"; PATH = "/usr/bin:/bin";
    args = [ "-c" "while ! test -e ${marks}/${mark}; do sleep 0.1; done; echo > $out" ];
  }; }; }`;
}
function configurationOf(
  repositories: Readonly<Record<string, FlakeRepository>>,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const repos = Object.entries(repositories).map(([slug, { dir: url }]) => [
    slug,
    { url, poll_seconds: 3600 },
  ]);
  return {
    external_url: 'http://ci.test',
    listen: '127.0.0.1:0',
    state_dir: join(dir, 'state'),
    systems: ['x86_64-linux'],
    forges: { here: { kind: 'git', repos: Object.fromEntries(repos) as unknown } },
    ...more,
  };
}
const write = (text: string): Promise<void> => writeFile(join(dir, 'argunix.yaml'), text);
const letEnd = (mark: string): Promise<void> => writeFile(join(marks, mark), '');
function ctl(...args: readonly string[]): Promise<FinishedProcess> {
  return runProcess({
    command: join(import.meta.dirname, '../ctl/bin/argunixctl'),
    args: ['--socket', join(dir, 'state/control/argunix.sock'), ...args],
    env: { PATH: process.env['PATH'], HOME: dir },
    deadlineMs: 30_000,
  });
}
async function reload(configuration: Readonly<Record<string, unknown>>): Promise<ReloadView> {
  await write(stringify(configuration));
  const { stdout, stderr, ending } = await ctl('--json', 'reload');
  expect(ending, stderr).toEqual({ kind: 'exited', code: 0 });
  return ReloadView.parse(JSON.parse(stdout));
}
/** `a/one running`, of each job of each evaluation that a stranger may read. */
async function table(): Promise<readonly string[]> {
  const lines = (await coordinator.evaluations()).map(async ({ id, repo }) =>
    (await coordinator.jobs(id)).map(({ status, attempts }) => `${repo.slug} ${status} ${attempts}`),
  );
  return (await Promise.all(lines)).flat().toSorted();
}
const shows = (...lines: readonly string[]) =>
  until(`the jobs are ${lines.join()}`, async () => (await table()).join() === lines.join(), 60_000);
const statusOf = async (path: string): Promise<number> => (await fetch(`${coordinator.url}${path}`)).status;

test('an added repository is evaluated, and a build that is under way is not disturbed by it', async () => {
  await shows('a/one running 1');

  const view = await reload(configurationOf({ 'a/one': one, 'a/other': other }));
  await shows('a/one running 1', 'a/other running 1');
  const again = await ctl('reload');
  await Promise.all([letEnd('one'), letEnd('other')]);
  await shows('a/one success 1', 'a/other success 1');

  expect(view).toEqual({
    applied: ['here/a/other is watched from now on.'],
    needs_restart: [],
    warnings: [],
  });
  expect(again).toMatchObject({ ending: { kind: 'exited', code: 0 }, stdout: 'Nothing changed.\n' });
});

test("a removed repository takes its build along and is nobody's to read, until it comes back", async () => {
  await shows('a/one running 1');
  const [evaluation] = await coordinator.evaluations();
  const id = evaluation?.id ?? 0;
  const pages = ['/r/here/a/one', `/r/here/a/one/eval/${id}`, `/api/v1/evals/${id}`];
  expect(await Promise.all(pages.map(statusOf))).toEqual([200, 200, 200]);

  await reload(configurationOf({ 'a/other': other }));
  expect(await Promise.all(pages.map(statusOf))).toEqual([404, 404, 404]);
  await shows('a/other running 1');
  const told = async () => (await ctl('--json', 'evals', 'show', String(id))).stdout;
  await until('its evaluation is cancelled', async () => (await told()).includes('"cancelled"'), 60_000);
  await reload(configurationOf({ 'a/one': one, 'a/other': other }));

  expect(await told()).toContain('Its repository is not in the configuration any more.');
  await shows('a/one cancelled 1', 'a/other running 1');
  await letEnd('other');
  await shows('a/one cancelled 1', 'a/other success 1');
});

test('what is made private is hidden at once', async () => {
  await shows('a/one running 1');
  const repo = { url: one.dir, poll_seconds: 3600, visibility: 'private' };

  const { applied } = await reload(
    configurationOf({}, { forges: { here: { kind: 'git', repos: { 'a/one': repo } } } }),
  );

  expect(applied).toEqual(['here/a/one: visibility changed.']);
  expect(await statusOf('/r/here/a/one')).toBe(404);
  expect(await coordinator.evaluations()).toEqual([]);
});

test('a file with problems changes nothing, and each of them is told with its line', async () => {
  await shows('a/one running 1');
  const good = configurationOf({ 'a/other': other });
  await write(`${stringify(good)}schedul: {}\nlocal_builds: perhaps\n`);
  const lines = stringify(good).split('\n').length;

  const { ending, stderr, stdout } = await ctl('reload');

  expect([ending, stdout]).toEqual([{ kind: 'exited', code: 1 }, '']);
  expect(stderr).toContain('nothing changed');
  expect(stderr).toContain(`argunix.yaml:${lines}:1: schedul\n`);
  expect(stderr).toContain(`argunix.yaml:${lines + 1}:15: local_builds\n`);
  expect(stderr).toContain('2 problems');
  expect(await statusOf('/r/here/a/one')).toBe(200);
  expect(await table()).toEqual(['a/one running 1']);
});

test('what needs a restart says so and stays, and the rest is applied', async () => {
  await shows('a/one running 1');

  const view = await reload(
    configurationOf(
      { 'a/one': one, 'a/other': other },
      { listen: '127.0.0.1:1', schedule: { build_timeout_seconds: 2 } },
    ),
  );
  await shows('a/one running 1', 'a/other timed_out 1');

  expect(view).toEqual({
    applied: [
      'here/a/other is watched from now on.',
      'schedule.build_timeout_seconds is 2 now, and was 18000.',
    ],
    needs_restart: ['needs a restart: listen (now 127.0.0.1:0, the file says 127.0.0.1:1)'],
    warnings: [],
  });
});

test('SIGHUP does the same, and the log has one line of it', async () => {
  await shows('a/one running 1');
  await write(stringify(configurationOf({ 'a/one': one, 'a/other': other })));

  coordinator.process.kill('SIGHUP');
  await shows('a/one running 1', 'a/other running 1');
  await write('external_url: 7\n');
  coordinator.process.kill('SIGHUP');
  await until('the problems are logged', () => coordinator.log().includes('nothing changed'));

  const logged = coordinator
    .log()
    .split('\n')
    .filter((line) => line.includes('"askedBy":"SIGHUP"'));
  expect(logged).toHaveLength(2);
  expect(logged[0]).toContain('here/a/other is watched from now on.');
  expect(logged[1]).toContain('argunix.yaml:1:15: external_url');
  expect(await table()).toEqual(['a/one running 1', 'a/other running 1']);
});
