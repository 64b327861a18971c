/**
 * Flakes that do not evaluate, or not wholly: each evaluation ends in a clear state with a sentence, and the next push
 * to the same repository is built.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { COUNT_FOR_EVER, flakeOf, goodFlake } from './harness/flake-text.ts';
import { type Site, startSite } from './harness/site.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

// They share the host's processors with each other and with whatever else is tested.
vi.setConfig({ testTimeout: 180_000 });

let dir: string;
let site: Site;
tellWarningsOfFailed(() => site.coordinator().log());
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-bad-evaluation-'));
  site = await startSite({
    dir,
    configuration: { eval: { memory_max: '512M', memory_budget: '1G' } },
    repositories: {
      'no-parse': {},
      'no-flake': {},
      recurses: {},
      large: { eval: { memory_max: '256M' } },
      'for-ever': { eval: { timeout_seconds: 8 } },
      throws: {},
      foreign: { systems: ['x86_64-linux', 'riscv64-linux'] },
      ifd: {},
      'no-ifd': { eval: { allow_import_from_derivation: false } },
      forged: {},
    },
  });
});
afterAll(async () => {
  await site.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Status and reason of each job, by the last part of its attribute. */
async function push(
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<{
  readonly evaluation: Awaited<ReturnType<Site['push']>>;
  readonly jobs: Readonly<Record<string, string>>;
}> {
  const evaluation = await site.push(name, files);
  const jobs = Object.entries(await site.jobs(evaluation.id)).map(
    ([attr, { status, reason }]): readonly [string, string] => [
      attr.split('.').at(-1) ?? '',
      reason === null ? status : `${status}: ${reason}`,
    ],
  );
  return { evaluation, jobs: Object.fromEntries(jobs) };
}
async function expectNextPushIsBuilt(name: string): Promise<void> {
  expect(await push(name, { 'flake.nix': goodFlake() })).toMatchObject({
    evaluation: { status: 'done', outcome: 'success' },
    jobs: { good: 'success' },
  });
}

test.concurrent.each([
  ['no-parse', { 'flake.nix': '{ outputs = _: { packages = ; } }' }, /^syntax error, unexpected ';'/],
  ['no-flake', { 'README.md': 'Nothing here.' }, /^This revision has no flake\.nix at its top\.$/],
  [
    'large',
    {
      'flake.nix': flakeOf(`
        a = build "a" "echo > $out";
        big = let list = builtins.genList (n: { text = toString n; }) 20000000;
          in build "b\${toString (builtins.length (builtins.deepSeq list list))}" "";`),
    },
    /^It ran out of memory while evaluating packages\.x86_64-linux\.big, alone and with the whole 1 GiB\./,
  ],
  [
    'for-ever',
    {
      'flake.nix': flakeOf(
        `a = build "a" "echo > $out"; slow = build "s\${toString (${COUNT_FOR_EVER})}" "";`,
      ),
    },
    /^The evaluation took longer than the 8 s that eval\.timeout_seconds allows; packages\.x86_64-linux\.slow was under way\.$/,
  ],
])('%s: the evaluation fails with that reason', async (name, files, reason) => {
  const { evaluation, jobs } = await push(name, files);

  expect(evaluation.status).toBe('evaluation_failed');
  expect(evaluation.reason).toMatch(reason);
  // Nothing that it had found goes on waiting.
  expect(Object.values(jobs).filter((job) => /^(?:queued|running)/.test(job))).toEqual([]);
  await expectNextPushIsBuilt(name);
});

test.concurrent('attributes that recurse for ever, by value or by call, fail alone', async () => {
  const { jobs } = await push('recurses', {
    'flake.nix': flakeOf(`
      a = build "a" "echo > $out";
      call = let f = n: 1 + f (n + 1); in build "b\${toString (f 0)}" "";
      value = let x = x + 1; in build "b\${toString x}" "";
      z = build "z" "echo > $out";`),
  });

  expect(jobs).toMatchObject({ a: 'success', z: 'success' });
  expect(jobs['value']).toMatch(/^failure: infinite recursion encountered/);
  // Its name differs by version.
  expect(jobs['call']).toMatch(/^failure: (?:stack overflow|.*max-call-depth|infinite recursion)/);
  await expectNextPushIsBuilt('recurses');
});

test.concurrent('of 2,000 attributes half throw: those fail with their own words, the others are built', async () => {
  const { evaluation, jobs } = await push('throws', {
    'flake.nix': flakeOf(`} // builtins.listToAttrs (builtins.genList (n: {
      name = "a\${toString n}";
      value = if n / 2 * 2 == n then throw "\${toString n} is even" else build "same" "echo > $out";
    }) 2000) // {`),
  });

  expect(evaluation).toMatchObject({ status: 'done', outcome: 'failure' });
  expect(evaluation.counts).toMatchObject({ total: 2000, success: 1000, failure: 1000 });
  expect(jobs).toMatchObject({ a0: 'failure: 0 is even', a1: 'success' });
  await expectNextPushIsBuilt('throws');
});

test.concurrent('what this host cannot build is unsupported, at once and with what it lacks', async () => {
  const { evaluation, jobs } = await push('foreign', {
    'flake.nix': flakeOf(`
      foreign = buildWith { system = "riscv64-linux"; } "foreign" "echo > $out";
      here = build "here" "echo > $out";
      quantum = buildWith { requiredSystemFeatures = [ "quantum" ]; } "quantum" "echo > $out";`),
  });

  expect(evaluation.outcome).toBe('error');
  expect(jobs['here']).toBe('success');
  expect(jobs['foreign']).toMatch(
    /^unsupported: No builder can build riscv64-linux: local builds for x86_64-linux/,
  );
  expect(jobs['quantum']).toBe(
    'unsupported: No builder can build x86_64-linux with quantum: local lacks quantum. Add a builder that can, then restart the job.',
  );
  await expectNextPushIsBuilt('foreign');
});

const IMPORTS = `
  imports = build (builtins.readFile (build "name" "echo -n imported > $out")) "echo > $out";
  imports-bad = build (builtins.readFile (build "bad" "echo no; exit 7")) "echo > $out";
  plain = build "plain" "echo > $out";`;

test.concurrent('import from derivation is built where it is allowed; its failure is that attribute’s', async () => {
  const { jobs } = await push('ifd', { 'flake.nix': flakeOf(IMPORTS) });

  expect(jobs).toMatchObject({ imports: 'success', plain: 'success' });
  expect(jobs['imports-bad']).toMatch(/^failure: .*bad\.drv' failed with exit code 7/s);
  await expectNextPushIsBuilt('ifd');
});

test.concurrent('where it is not allowed the attributes that do it fail, and say which option it is', async () => {
  const { jobs } = await push('no-ifd', { 'flake.nix': flakeOf(IMPORTS) });

  expect(jobs['plain']).toBe('success');
  expect(jobs['imports']).toMatch(/^failure: .*allow-import-from-derivation/s);
  await expectNextPushIsBuilt('no-ifd');
});

test.concurrent('a flake that prints lines like ours adds no job and ends nothing', async () => {
  const job = String.raw`{\"d\":\"/nix/store/${'a'.repeat(32)}-x.drv\",\"s\":\"x86_64-linux\",\"o\":{},\"f\":[],\"m\":null,\"p\":null}`;
  const { evaluation, jobs } = await push('forged', {
    'flake.nix': flakeOf(`
      a = builtins.trace "argunix-${'0'.repeat(32)} begin packages/x86_64-linux/forged"
        (builtins.trace "argunix-${'0'.repeat(32)} job ${job}"
          (builtins.trace "argunix-${'0'.repeat(32)} end" (build "a" "echo > $out")));
      b = build "b" "echo > $out";`),
  });

  expect(evaluation.outcome).toBe('success');
  expect(jobs).toEqual({ a: 'success', b: 'success' });
  await expectNextPushIsBuilt('forged');
});
