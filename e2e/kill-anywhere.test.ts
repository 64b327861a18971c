/**
 * The coordinator is killed (SIGKILL) between every commit and the next that it makes from its start to the end of an
 * evaluation: with the delivery stored, while it evaluates, with half of the jobs stored, while it builds, with outputs
 * that exist but are not recorded. Started again, it ends with the same table, and what had been built is not built twice.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { outputOf } from '@argunix/shared/kit/run-process';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../coordinator/test/until.ts';
import {
  CoordinatorEnded,
  type RunningCoordinator,
  SANDBOXED,
  startCoordinator,
} from './harness/coordinator.ts';
import { makeFlakeRepository } from './harness/flake-repository.ts';

// As a URL, whose escapes NODE_OPTIONS does not take apart.
const KILLER = pathToFileURL(join(import.meta.dirname, 'harness/kill-at-commit.mjs')).href;
// Builds must be able to leave a mark outside, which a sandbox prevents.
const UNSANDBOXED = SANDBOXED.replace('sandbox = true', 'sandbox = false');
// A run that commits more often than this is a bug of its own.
const MOST_COMMITS = 60;

const EXPECTED = {
  'checks.x86_64-linux.same': 'success',
  'packages.x86_64-linux.app': 'success',
  'packages.x86_64-linux.bad': 'failure',
  'packages.x86_64-linux.broken': 'failure',
  'packages.x86_64-linux.lib': 'success',
  'packages.x86_64-linux.needs-bad': 'dependency_failed',
  'packages.x86_64-linux.slow': 'success',
};

/** `slow` makes the evaluator find the jobs in more than one batch; each build leaves a mark when it ends. */
function flake(marks: string, salt: string): string {
  return `{
    outputs = _:
      let
        build = name: needs: script: derivation {
          inherit name needs; system = "x86_64-linux"; builder = "/bin/sh"; salt = "${salt}"; PATH = "/usr/bin:/bin";
          args = [ "-c" "\${script}; echo \${name} > ${marks}/\${name}.$$.$RANDOM; echo \${name} > $out" ];
        };
        wait = builtins.foldl' (sum: n: sum + n) 0 (builtins.genList (n: n) 600000);
        packages = rec {
          lib = build "lib" [ ] "echo lib";
          app = build "app" [ lib ] "echo app";
          bad = build "bad" [ ] "echo bad; exit 1";
          needs-bad = build "needs-bad" [ bad ] "echo never";
          broken = throw "this attribute is broken";
          slow = build (builtins.seq wait "slow") [ ] "echo slow";
        };
      in {
        packages.x86_64-linux = packages;
        checks.x86_64-linux.same = packages.lib;
      };
  }`;
}

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-kill-'));
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

interface Scene {
  readonly dir: string;
  readonly marks: string;
  start(killAt?: string): Promise<RunningCoordinator>;
}

async function setScene(name: string): Promise<Scene> {
  const scene = join(dir, name);
  const marks = join(scene, 'marks');
  await mkdir(marks, { recursive: true });
  await chmod(marks, 0o777);
  await chmod(dir, 0o755);
  const repository = await makeFlakeRepository(join(scene, 'source'));
  await repository.commit({ 'flake.nix': flake(marks, randomUUID()) });
  return {
    dir: scene,
    marks,
    start: (killAt) =>
      startCoordinator({
        dir: scene,
        nixConfig: UNSANDBOXED,
        configuration: {
          systems: ['x86_64-linux'],
          forges: { here: { kind: 'git', repos: { 'a/b': { url: repository.dir, poll_seconds: 3600 } } } },
        },
        env:
          killAt === undefined
            ? {}
            : {
                KILL_AT_COMMIT: killAt,
                NODE_OPTIONS: `--import=${KILLER}`,
              },
      }),
  };
}

async function tableOf(coordinator: RunningCoordinator): Promise<Readonly<Record<string, string>>> {
  const evaluations = await coordinator.evaluations();
  expect(evaluations).toHaveLength(1);
  const jobs = await coordinator.jobs(evaluations[0]?.id ?? 0);
  return Object.fromEntries(jobs.map(({ attr, status }) => [attr, status]));
}
const isDone = async (coordinator: RunningCoordinator): Promise<boolean> =>
  (await coordinator.evaluations()).some(({ status }) => status === 'done');

async function marksOf({ marks }: Scene): Promise<Readonly<Record<string, number>>> {
  const names = (await readdir(marks)).map((file) => file.split('.')[0] ?? '');
  return Object.fromEntries(
    [...Map.groupBy(names, (name) => name)].map(([name, files]) => [name, files.length]),
  );
}

/** True when it was killed there; false when the evaluation was done before that many commits. */
async function runUntilKilled(scene: Scene, killAt: string): Promise<boolean> {
  let coordinator: RunningCoordinator;
  try {
    coordinator = await scene.start(killAt);
  } catch (error) {
    if (error instanceof CoordinatorEnded && error.how === 'SIGKILL') {
      return true;
    }
    throw error;
  }
  const how = await Promise.race([
    coordinator.ended,
    until('it is done', () => isDone(coordinator), 60_000).catch(() => coordinator.ended),
  ]);
  await coordinator.kill('SIGKILL');
  return how === 'SIGKILL';
}

/** Names of the jobs whose outputs are valid now: what Nix has registered is finished, whatever we have stored of it. */
async function finishedBuilds(scene: Scene): Promise<ReadonlySet<string>> {
  const path = join(scene.dir, 'state/argunix.sqlite');
  if (!existsSync(path)) {
    return new Set();
  }
  const database = new Database(path, { readonly: true });
  try {
    const rows = database
      .prepare<[], { name: string; out: string }>(
        "select name, outputs ->> 'out' as out from jobs where drv_path is not null",
      )
      .all();
    const invalid = await outputOf({
      command: 'nix-store',
      args: ['--check-validity', '--print-invalid', ...rows.map(({ out }) => out)],
      env: { PATH: process.env['PATH'], HOME: scene.dir },
      deadlineMs: 30_000,
    });
    return new Set(rows.filter(({ out }) => !invalid.includes(out)).map(({ name }) => name));
  } catch (error) {
    // Killed before it had made its tables.
    if (error instanceof Error && error.message.includes('no such table')) {
      return new Set();
    }
    throw error;
  } finally {
    database.close();
  }
}

async function finish(scene: Scene, killedAt: string): Promise<void> {
  const finished = await finishedBuilds(scene);
  const before = await marksOf(scene);
  const coordinator = await scene.start();
  try {
    await until(`it is done after it was killed ${killedAt}`, () => isDone(coordinator), 60_000);
    expect(await tableOf(coordinator), killedAt).toEqual(EXPECTED);
    const after = await marksOf(scene);
    for (const name of finished) {
      expect(after[name], `${name} was built again after a kill ${killedAt}`).toBe(before[name]);
    }
  } finally {
    expect(await coordinator.kill('SIGTERM')).toBe(0);
  }
}

test('undisturbed, the flake ends as expected and everything is built once', async () => {
  const scene = await setScene('undisturbed');
  await finish(scene, 'never');

  expect(await marksOf(scene)).toEqual({ lib: 1, app: 1, slow: 1 });
});

test.each(['before', 'after'])(
  'killed %s any commit it ends the same, and builds nothing twice',
  async (when) => {
    let kills = 0;
    // Before and after every other commit is every state that the database is ever in.
    for (let commit = 2; commit <= MOST_COMMITS; commit += 2) {
      const scene = await setScene(`${when}-${commit}`);
      const wasKilled = await runUntilKilled(scene, `${when} ${commit}`);
      await finish(scene, `${when} commit ${commit}`);
      if (!wasKilled) {
        break;
      }
      kills += 1;
    }

    // From the look at the repository to the end of the evaluation there are more than this.
    expect(kills).toBeGreaterThan(4);
  },
  600_000,
);
