/**
 * nix-eval-jobs itself is packaged by Nix alone; these programs behave as its documentation says, and real Nix stands
 * behind them for what is left over when they die.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';
import { installedNixes } from '@argunix/shared/nix/testing/real-nix';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  evaluateAll,
  makeRealEvaluation,
  type RealEvaluation,
  requestFor,
} from '../../../test/real-evaluation.ts';
import type { Evaluator } from '../../ports/evaluator.ts';
import { createEvaluator } from './create-evaluator.ts';
import { createUnconfinedSpaces } from './evaluation-space.ts';

const HELP = '--expr --meta --workers --max-memory-size --gc-roots-dir --force-recurse';
const DRV = '/nix/store/98dasdshyg183p079mfhfr7r3ysq7pww-hello.drv';

let real: RealEvaluation;
let number = 0;
beforeAll(async () => {
  real = await makeRealEvaluation();
});
afterAll(async () => {
  await real.remove();
});

function env(): Readonly<Record<string, string>> {
  return installedNixes()[0]?.env ?? {};
}

function line(name: string, more: object = { drvPath: DRV, system: 'x86_64-linux', outputs: {} }): string {
  const attrPath = ['packages', 'x86_64-linux', name];
  return JSON.stringify({ attr: attrPath.join('.'), attrPath, ...more });
}

/** One that prints these lines and ends like this; its arguments are kept. */
async function program(
  lines: readonly string[],
  ending = 'exit 0',
): Promise<{ readonly evaluator: Evaluator; readonly args: () => Promise<readonly string[]> }> {
  number += 1;
  const dir = join(real.git.dir, `programs-${number}`);
  await mkdir(dir);
  await writeFile(join(dir, 'lines'), lines.map((text) => `${text}\n`).join(''));
  await writeFile(
    join(dir, 'nix-eval-jobs'),
    `#!/bin/sh
if [ "$1" = --help ]; then echo '${HELP}'; exit 0; fi
printf '%s\\0' "$@" > ${dir}/args
cat ${dir}/lines
${ending}
`,
  );
  await chmod(join(dir, 'nix-eval-jobs'), 0o755);
  const path = { ...env(), PATH: `${dir}:${env()['PATH'] ?? ''}` };
  return {
    evaluator: await createEvaluator({ spaces: createUnconfinedSpaces(path), env: path }),
    args: async () => (await readFile(join(dir, 'args'), 'utf8')).split('\0'),
  };
}

test('it is chosen where it is installed, and given only flags that all versions since 2.18 have', async () => {
  const flake = await real.flake('{ }');
  const { evaluator, args } = await program([line('a')]);

  const { ending, outcomes } = await evaluateAll(evaluator, requestFor(flake, { workers: 4 }));

  expect(evaluator.name).toBe('nix-eval-jobs');
  expect(ending).toEqual({ kind: 'complete', warnings: [] });
  expect(outcomes).toEqual({ 'packages.x86_64-linux.a': 'job' });
  const flags = (await args()).filter((arg) => arg.startsWith('--'));
  expect(new Set(flags)).toEqual(new Set(['--option', '--workers', '--max-memory-size', '--meta', '--expr']));
  expect(await args()).toEqual(expect.arrayContaining(['pure-eval', 'accept-flake-config', '4', '1024']));
});

test('errors of attributes are broken jobs; an error of the whole flake is its failure', async () => {
  const flake = await real.flake('{ }');
  const some = await program([line('a'), line('b', { error: 'error: boom' }), 'not a line']);
  const none = await program([
    JSON.stringify({ attr: '', attrPath: [], error: 'error: syntax error, unexpected' }),
  ]);

  const partly = await evaluateAll(some.evaluator, requestFor(flake));
  const failed = await evaluateAll(none.evaluator, requestFor(flake));

  expect(partly.ending.kind).toBe('complete');
  expect(partly.outcomes).toEqual({ 'packages.x86_64-linux.a': 'job', 'packages.x86_64-linux.b': 'boom' });
  expect(failed.ending).toEqual({ kind: 'failed', reason: 'syntax error, unexpected' });
});

test.each([
  [
    'a process of it is killed',
    'echo "error: evaluation worker got killed by SIGKILL, maybe memory limit reached?" >&2; exit 1',
  ],
  ['it crashes', 'kill -SEGV $$'],
])('when %s, plain Nix goes on with what is left and names who did it', async (_, ending) => {
  const flake = await real.flake(`{
    packages.\${s} = { a = mk "a" { }; b = abort "the culprit"; c = mk "c" { }; };
  }`);
  const { evaluator } = await program([line('a')], ending);

  const { ending: came, outcomes } = await evaluateAll(evaluator, requestFor(flake));

  expect(came.kind).toBe('complete');
  expect(outcomes).toEqual({
    'packages.x86_64-linux.a': 'job',
    'packages.x86_64-linux.b': "evaluation aborted with the following error message: 'the culprit'",
    'packages.x86_64-linux.c': 'job',
  });
});

test('one that stops with a fatal error has not gone through everything', async () => {
  const flake = await real.flake('{ packages.${s} = { a = throw "not told again"; b = mk "b" { }; }; }');
  const { evaluator } = await program([line('a', { error: 'stack overflow', fatal: true })]);

  const { outcomes } = await evaluateAll(evaluator, requestFor(flake));

  expect(outcomes).toEqual({ 'packages.x86_64-linux.a': 'stack overflow', 'packages.x86_64-linux.b': 'job' });
});

test('an attribute whose process was killed is evaluated by plain Nix, which says what it is', async () => {
  const flake = await real.flake('{ packages.${s} = { a = mk "a" { }; b = throw "its own words"; }; }');
  const error = 'evaluation worker got killed by SIGKILL, maybe memory limit reached?';
  const { evaluator } = await program([line('a'), line('b', { error })]);

  const { outcomes } = await evaluateAll(evaluator, requestFor(flake));

  expect(outcomes).toEqual({ 'packages.x86_64-linux.a': 'job', 'packages.x86_64-linux.b': 'its own words' });
});

test('one that never ends is ended in time', async () => {
  const flake = await real.flake('{ }');
  const { evaluator } = await program([line('a')], 'sleep 60');

  const { ending, outcomes } = await evaluateAll(evaluator, requestFor(flake, { timeoutMs: 1_000 }));

  expect(ending).toMatchObject({ kind: 'timed_out' });
  expect(outcomes).toEqual({ 'packages.x86_64-linux.a': 'job' });
});

test('the tree it walks has every job, with its features, and nothing of other systems', async () => {
  const flake = await real.flake(`{
    packages.\${s} = { a = mk "a" { requiredSystemFeatures = "kvm"; }; set = { b = mk "b" { }; }; };
    packages.riscv64-linux.c = mk "c" { };
    nixosConfigurations.foreign.config.system.build.toplevel = mk "f" { system = "aarch64-linux"; };
    nixosConfigurations.host.config.system.build.toplevel = mk "h" { };
    hydraJobs.x.y = mk "y" { };
  }`);
  // Walks as nix-eval-jobs does: into what says recurseForDerivations, and prints of a derivation what --meta would.
  const { evaluator, args } = await program([], 'exit 0');
  await evaluateAll(evaluator, requestFor(flake));
  const expression = (await args()).find((arg) => arg.includes('getFlake')) ?? '';
  const walked = await walkLikeNixEvalJobs(expression);

  expect(walked).toEqual({
    'packages.x86_64-linux.a': { f: ['kvm'], m: null, p: null },
    'nixosConfigurations.host': { f: [], m: null, p: null },
    'hydraJobs.x.y': { f: [], m: null, p: null },
  });
});

async function walkLikeNixEvalJobs(expression: string): Promise<unknown> {
  const walk = `let go = path: value: if value.type or "" == "derivation" then { \${builtins.concatStringsSep "." path} = value.meta.argunix; }
    else if value.recurseForDerivations or (path == []) then builtins.foldl' (all: name: all // go (path ++ [ name ]) value.\${name}) { } (builtins.filter (name: name != "recurseForDerivations") (builtins.attrNames value))
    else { }; in go [ ] (${expression})`;
  const text = await outputOf({
    command: 'nix',
    args: ['eval', '--json', '--expr', walk],
    env: env(),
    deadlineMs: 30_000,
  });
  return JSON.parse(text);
}

test('asked for where it is not installed, that is said', async () => {
  const options = { spaces: createUnconfinedSpaces(env()), env: env() };

  await expect(createEvaluator({ ...options, prefer: 'nix-eval-jobs' })).rejects.toMatchObject({
    code: 'nix.missing',
  });
  expect((await createEvaluator(options)).name).toBe('built-in');
});

test('where nothing can be confined, an evaluation says why', async () => {
  const evaluator = await createEvaluator({ spaces: { missing: 'Install bubblewrap.' }, env: env() });

  const { ending } = await evaluateAll(evaluator, requestFor(await real.flake('{ }')));

  expect(ending).toEqual({ kind: 'infrastructure', reason: 'Install bubblewrap.' });
});
