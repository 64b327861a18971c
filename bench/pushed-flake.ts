/** A coordinator from the build that watches one repository, to which a bench pushes flakes of trivial derivations. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EvaluationView } from '@argunix/shared/control-api/views';
import { outputOf } from '@argunix/shared/kit/run-process';
import { z } from 'zod';
import { type RunningCoordinator, SANDBOXED, startCoordinator } from '../e2e/harness/coordinator.ts';
import { type FlakeRepository, makeFlakeRepository } from '../e2e/harness/flake-repository.ts';
import { builtProgram } from './built.ts';

export interface PushBench {
  readonly coordinator: RunningCoordinator;
  readonly stateDir: string;
  /** Commits a flake of `count` derivations that no store has, and pokes. Resolves with its evaluation when `isThere`. */
  push(count: number, isThere: (evaluation: EvaluationView) => boolean): Promise<EvaluationView>;
  /** What was committed last, under another branch; from before the poke to the end of its evaluation, in ms. */
  pushAgain(branch: string): Promise<Again>;
  /** Another commit of the same files. */
  recommit(): Promise<Again>;
  cancel(evaluation: EvaluationView): Promise<void>;
  /** The same kind of flake, never seen by the coordinator. Returns its locked reference. */
  flake(count: number): Promise<string>;
  /** Nix as it is without us, with the settings of the coordinator. */
  nix(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  close(): Promise<void>;
}

export interface Again {
  readonly elapsedMs: number;
  readonly evaluation: EvaluationView;
}

const DEADLINE_MS = 300_000;
// The coordinator's own times are what counts; who looks too often only takes its processor.
const LOOK_EVERY_MS = 500;

export async function openPushBench(
  options: { readonly repository?: Readonly<Record<string, unknown>> } = {},
): Promise<PushBench> {
  const dir = await mkdtemp(join(tmpdir(), 'argunix-bench-'));
  const watched = await makeFlakeRepository(join(dir, 'watched'));
  const apart = await makeFlakeRepository(join(dir, 'apart'));
  await commitFlake(watched, 0);
  const coordinator = await startCoordinator({
    dir,
    program: builtProgram('coordinator'),
    configuration: {
      forges: {
        here: {
          kind: 'git',
          repos: { 'bench/flake': { url: watched.dir, poll_seconds: 3_600, ...options.repository } },
        },
      },
    },
  });

  async function evaluationOf(
    sha: string,
    isThere: (evaluation: EvaluationView) => boolean,
  ): Promise<EvaluationView> {
    const deadline = performance.now() + DEADLINE_MS;
    while (performance.now() < deadline) {
      const [newest] = await coordinator.get('/api/v1/evals?limit=1', z.array(EvaluationView));
      if (newest?.status === 'evaluation_failed') {
        throw new Error(`the evaluation failed: ${newest.reason ?? ''}\n${coordinator.log()}`);
      }
      if (newest?.sha === sha && isThere(newest)) {
        return newest;
      }
      await sleep(LOOK_EVERY_MS);
    }
    throw new Error(`${sha} did not get there in ${DEADLINE_MS} ms\n${coordinator.log()}`);
  }
  async function again(sha: string, ref: string): Promise<Again> {
    // One host, one clock.
    const from = Date.now();
    await coordinator.poke('here');
    const evaluation = await evaluationOf(sha, (one) => one.ref === ref && isDone(one));
    return { evaluation, elapsedMs: Date.parse(evaluation.finished_at ?? '') - from };
  }
  await evaluationOf(await watched.git('rev-parse', 'HEAD').then((sha) => sha.trim()), isDone);

  return {
    coordinator,
    stateDir: join(dir, 'state'),
    async push(count, isThere) {
      const sha = await commitFlake(watched, count);
      await coordinator.poke('here');
      return await evaluationOf(sha, isThere);
    },
    async pushAgain(branch) {
      await watched.git('branch', branch);
      return await again((await watched.git('rev-parse', 'HEAD')).trim(), `refs/heads/${branch}`);
    },
    recommit: async () => await again(await watched.commit({}), 'refs/heads/main'),
    async cancel({ id }) {
      await post(join(dir, 'state/control/argunix.sock'), `/api/v1/evals/${id}/cancel`);
    },
    async flake(count) {
      const sha = await commitFlake(apart, count);
      return `git+file://${apart.dir}?rev=${sha}`;
    },
    nix: (args, env = {}) =>
      outputOf({
        command: 'nix',
        args,
        env: {
          PATH: process.env['PATH'],
          HOME: dir,
          NIX_CONFIG: SANDBOXED,
          ...env,
        },
        deadlineMs: DEADLINE_MS,
      }),
    async close() {
      await coordinator.kill('SIGTERM');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function isDone({ status }: EvaluationView): boolean {
  return status === 'done';
}

async function commitFlake(repository: FlakeRepository, count: number): Promise<string> {
  const salt = randomBytes(8).toString('hex');
  return await repository.commit({
    'flake.nix': `{
  outputs = _: {
    packages.x86_64-linux = builtins.listToAttrs (builtins.genList (i: rec {
      name = "p\${toString i}";
      value = derivation {
        inherit name;
        system = "x86_64-linux";
        builder = "/bin/sh";
        args = [ "-c" "echo ${salt} > $out" ];
      };
    }) ${count});
  };
}
`,
  });
}

async function post(socketPath: string, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  request({ socketPath, path, method: 'POST' }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode));
  })
    .on('error', reject)
    .end();
  const status = await promise;
  if (status !== 200) {
    throw new Error(`POST ${path}: ${status}`);
  }
}
