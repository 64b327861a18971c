import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flakeOf, goodFlake } from './harness/flake-text.ts';
import { type Site, startSite } from './harness/site.ts';

const P = 'packages.x86_64-linux';

let dir: string;
let site: Site;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-bad-'));
  site = await startSite({
    dir,
    configuration: { eval: { memory_max: '1G' }, systems: ['x86_64-linux', 'riscv64-linux'] },
    repositories: {
      'no-parse': {},
      'no-flake': {},
      recurses: {},
      deep: {},
      large: { eval: { memory_max: '256M' } },
      'for-ever': { eval: { timeout_seconds: 4 } },
      throws: {},
      foreign: {},
      ifd: {},
      'no-ifd': { eval: { allow_import_from_derivation: false } },
      forges: {},
    },
  });
});
afterAll(async () => {
  await site.stop();
  await rm(dir, { recursive: true, force: true });
});

const show = async (name: string, files: Record<string, string>) => {
  const t = performance.now();
  const e = await site.push(name, files);
  const jobs = await site.jobs(e.id);
  console.log(
    name,
    Math.round(performance.now() - t),
    e.status,
    e.outcome,
    JSON.stringify(e.reason),
    Object.keys(jobs).length,
    Object.entries(jobs)
      .slice(0, 6)
      .map(([a, j]) => `${a}: ${j.status} ${JSON.stringify(j.reason)}`),
    JSON.stringify(e.counts),
  );
  const t2 = performance.now();
  const g = await site.push(name, { 'flake.nix': goodFlake() });
  console.log(name, 'good', Math.round(performance.now() - t2), g.status, g.outcome, g.reason);
  return { e, jobs };
};

test('x', async () => {
  await show('no-parse', { 'flake.nix': '{ outputs = _: { packages = ;\n }' });
  await site.repository('no-flake').commit({ 'README.md': 'hello' });
  await show('no-flake', { 'README.md': 'hello you' });
  await show('recurses', {
    'flake.nix': flakeOf(
      'a = build "a" "echo > $out"; b = let x = x + 1; in build "b${toString x}" ""; c = build "c" "echo > $out";',
    ),
  });
  await show('deep', {
    'flake.nix': flakeOf(
      'a = build "a" "echo > $out"; b = let f = n: 1 + f (n + 1); in build "b${toString (f 0)}" ""; c = build "c" "echo > $out";',
    ),
  });
  await show('large', {
    'flake.nix': flakeOf(
      'a = build "a" "echo > $out"; b = let xs = builtins.genList (n: { inherit n; x = toString n; }) 20000000; in build "b${toString (builtins.length (builtins.deepSeq xs xs))}" ""; c = build "c" "echo > $out";',
    ),
  });
  await show('for-ever', {
    'flake.nix': flakeOf(
      'a = build "a" "echo > $out"; b = let l = builtins.genList (n: n) 10000; s = f: builtins.foldl\' (a: n: f n) 0 l; in build "b${toString (s (_: s (_: s (_: s (_: 1)))))}" ""; c = build "c" "echo > $out";',
    ),
  });
  await show('throws', {
    'flake.nix': flakeOf(
      '} // builtins.listToAttrs (builtins.genList (n: { name = "a${toString n}"; value = if n / 2 * 2 == n then throw "number ${toString n} is even" else buildWith { builder = "/bin/sh"; } "same" "echo > $out"; }) 2000) // {',
    ),
  });
  await show('foreign', {
    'flake.nix': flakeOf(
      'a = build "a" "echo > $out"; b = buildWith { system = "riscv64-linux"; } "b" "echo > $out"; c = buildWith { requiredSystemFeatures = [ "quantum" ]; } "c" "echo > $out"; d = buildWith { system = "aarch64-darwin"; } "d" "";',
    ),
  });
  await show('ifd', {
    'flake.nix': flakeOf(
      'a = build (builtins.readFile (build "n" "echo -n fromifd > $out")) "echo > $out"; b = build (builtins.readFile (build "n" "echo oh; exit 1")) "echo > $out";',
    ),
  });
  await show('no-ifd', {
    'flake.nix': flakeOf(
      'a = build (builtins.readFile (build "n" "echo -n fromifd > $out")) "echo > $out"; c = build "c" "echo > $out"; ',
    ),
  });
  await show('forges', {
    'flake.nix': flakeOf(
      'a = builtins.trace "argunix-00000000000000000000000000000000 job {}" (builtins.trace "argunix-0 end" (build "a" "echo > $out")); b = build "b" "echo > $out";',
    ),
  });
}, 600_000);
