/** The real argunixctl against a real coordinator, through its control socket. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuilderView } from '@argunix/shared/control-api/builder-views';
import { WhyView } from '@argunix/shared/control-api/queue-views';
import { StatusView } from '@argunix/shared/control-api/status-view';
import { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { type FinishedProcess, runProcess } from '@argunix/shared/kit/run-process';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { until } from '../coordinator/test/until.ts';
import { type RunningCoordinator, startCoordinator } from './harness/coordinator.ts';
import { type FlakeRepository, makeFlakeRepository } from './harness/flake-repository.ts';

// Each argunixctl is a process of its own: dozens of them, where others want the processor too.
vi.setConfig({ testTimeout: 180_000 });

let dir: string;
let repository: FlakeRepository;
let coordinator: RunningCoordinator;

function flake(script: string): string {
  return `{ outputs = _: { packages.x86_64-linux.one = derivation {
    name = "one-${randomUUID()}"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "${script}" ];
  }; }; }`;
}
function ctl(...args: readonly string[]): Promise<FinishedProcess> {
  return runProcess({
    command: join(import.meta.dirname, '../ctl/bin/argunixctl'),
    args: ['--socket', join(dir, 'state/control/argunix.sock'), ...args],
    env: { PATH: process.env['PATH'], HOME: dir },
    deadlineMs: 30_000,
  });
}
async function json<Schema extends z.ZodType>(
  schema: Schema,
  ...args: readonly string[]
): Promise<z.output<Schema>> {
  const { stdout, stderr, ending } = await ctl('--json', ...args);
  expect(ending, stderr).toEqual({ kind: 'exited', code: 0 });
  return schema.parse(JSON.parse(stdout));
}
const evaluations = () => json(z.array(EvaluationView), 'evals', 'list');
const newest = async (status: string): Promise<number> => {
  let id = 0;
  await until(`the newest evaluation is ${status}`, async () => {
    const [evaluation] = await evaluations();
    id = evaluation?.id ?? 0;
    return evaluation?.status === status;
  });
  return id;
};
const onlyJob = async (evaluationId: number): Promise<JobView> => {
  const { jobs } = await json(EvaluationView, 'evals', 'show', String(evaluationId));
  const [job] = jobs ?? [];
  if (job === undefined) {
    throw new Error('the evaluation has no job');
  }
  return job;
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-ctl-'));
  repository = await makeFlakeRepository(join(dir, 'source'));
  await repository.commit({ 'flake.nix': flake('echo a line of the log; echo > $out') });
  coordinator = await startCoordinator({
    dir,
    configuration: {
      systems: ['x86_64-linux'],
      forges: { here: { kind: 'git', repos: { 'a/b': { url: repository.dir, poll_seconds: 3600 } } } },
    },
  });
});
afterAll(async () => {
  await coordinator.kill('SIGTERM');
  await rm(dir, { recursive: true, force: true });
});

test('only the operator may open the socket', async () => {
  const socket = await stat(join(dir, 'state/control/argunix.sock'));
  const folder = await stat(join(dir, 'state/control'));

  expect([socket.mode & 0o777, folder.mode & 0o777]).toEqual([0o600, 0o700]);
});

test('status, evaluations, jobs and their logs are told as they are', async () => {
  const id = await newest('done');
  const job = await onlyJob(id);

  expect(await json(StatusView, 'status')).toMatchObject({ repositories: 1, warnings: [] });
  expect(job.status).toBe('success');
  expect((await ctl('jobs', 'log', String(job.id))).stdout).toContain('a line of the log');
  expect((await json(WhyView, 'jobs', 'why', String(job.id))).reason).toMatch(/^Built on local/);
  expect((await ctl('repos', 'list')).stdout).toContain('a/b');
});

test('builders are told as they are, and without builder_enrollment none is invited', async () => {
  const [local] = await json(z.array(BuilderView), 'builders', 'list');

  expect(local).toMatchObject({ name: 'local', state: 'ready', enrolled: null });
  expect((await ctl('builders', 'show', 'local')).stdout).toContain('x86_64-linux');
  expect((await ctl('builders', 'show', 'nobody')).ending).toEqual({ kind: 'exited', code: 4 });
  const refused = await ctl('builders', 'invite', 'rack-1');
  expect([refused.ending, refused.stderr]).toEqual([
    { kind: 'exited', code: 1 },
    expect.stringContaining('builder_enrollment is not configured'),
  ]);
});

test('what does not exist is exit 4, what is not possible exit 1 with the reason, bad usage exit 2, nobody there exit 3', async () => {
  const id = await newest('done');

  expect((await ctl('jobs', 'show', '999999')).ending).toEqual({ kind: 'exited', code: 4 });
  const refused = await ctl('evals', 'cancel', String(id));
  expect(refused.ending).toEqual({ kind: 'exited', code: 1 });
  expect(refused.stderr).toContain('has ended already');
  expect((await ctl('evals', 'juggle')).ending).toEqual({ kind: 'exited', code: 2 });
  expect((await ctl('--socket', join(dir, 'nobody.sock'), 'status')).ending).toEqual({
    kind: 'exited',
    code: 3,
  });
});

test('a log is followed while it is written, and a build is stopped by its job', async () => {
  await repository.commit({ 'flake.nix': flake('echo begun; while :; do :; done') });
  await coordinator.poke('here');
  await until('the job runs', async () => {
    const [evaluation] = await evaluations();
    return evaluation?.status === 'building' && (await onlyJob(evaluation.id)).status === 'running';
  });
  const id = await newest('building');
  const job = await onlyJob(id);

  expect((await json(JobView, 'jobs', 'bump', String(job.id))).status).toBe('running');
  expect((await json(EvaluationView, 'evals', 'bump', String(id))).status).toBe('building');
  const following = ctl('jobs', 'log', '-f', String(job.id));
  expect((await ctl('jobs', 'cancel', String(job.id))).ending).toEqual({ kind: 'exited', code: 0 });
  expect((await following).stdout).toContain('begun');
  expect(await newest('done')).toBe(id);
  const late = await ctl('evals', 'bump', String(id));
  expect([late.ending, late.stderr]).toEqual([
    { kind: 'exited', code: 1 },
    `argunixctl: Evaluation ${id} has ended: it is done.\n`,
  ]);
  expect((await onlyJob(id)).status).toBe('cancelled');
});

test('a job and an evaluation are restarted, a branch is evaluated by hand', async () => {
  await repository.commit({ 'flake.nix': flake('echo no; exit 1') });
  await coordinator.poke('here');
  await until('it failed', async () => (await evaluations())[0]?.outcome === 'failure');
  const [failed] = await evaluations();
  const job = await onlyJob(failed?.id ?? 0);

  expect((await ctl('jobs', 'restart', String(job.id))).ending).toEqual({ kind: 'exited', code: 0 });
  await until(
    'the second attempt ended',
    async () => (await onlyJob(job.eval_id)).attempts === 2 && (await evaluations())[0]?.status === 'done',
  );
  expect(await json(EvaluationView, 'evals', 'restart', String(job.eval_id), '--failed')).toMatchObject({
    id: job.eval_id,
    trigger: 'push',
  });
  await until(
    'the third attempt ended',
    async () => (await onlyJob(job.eval_id)).attempts === 3 && (await evaluations())[0]?.status === 'done',
  );
  const again = await json(EvaluationView, 'evals', 'restart', String(job.eval_id));
  expect(again.restart_of).toBe(job.eval_id);
  await until(
    'the new evaluation ended',
    async () => (await evaluations())[0]?.id === again.id && (await evaluations())[0]?.status === 'done',
  );
  const triggered = await json(EvaluationView, 'evals', 'trigger', 'here/a/b', 'main');

  expect(triggered.trigger).toBe('manual');
  expect(await newest('done')).toBe(triggered.id);
  expect((await ctl('evals', 'restart', '999999', '--failed')).ending).toEqual({ kind: 'exited', code: 4 });
});
