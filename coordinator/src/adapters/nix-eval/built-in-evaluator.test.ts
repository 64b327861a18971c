import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseDerivationPath } from '@argunix/shared/domain/store-path';
import { descendantsOf } from '@argunix/shared/kit/descendants';
import { until } from '@argunix/shared/kit/testing/until';
import { installedNixes } from '@argunix/shared/nix/testing/real-nix';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  evaluateAll,
  flakeText,
  makeRealEvaluation,
  type RealEvaluation,
  reasonOf,
  requestFor,
} from '../../../test/real-evaluation.ts';
import type { Found } from '../../ports/evaluator.ts';
import { createBuiltInEvaluator } from './built-in-evaluator.ts';
import { createUnconfinedSpaces } from './evaluation-space.ts';

let real: RealEvaluation;
beforeAll(async () => {
  real = await makeRealEvaluation();
});
afterAll(async () => {
  await real.remove();
});

describe.each(installedNixes())('$title', { timeout: 60_000 }, ({ env, isMissing }) => {
  const evaluator = createBuiltInEvaluator(createUnconfinedSpaces(env));

  test.skipIf(isMissing)('every kind of output is looked at, nested sets where they say so', async () => {
    const flake = await real.flake(`{
      packages.\${s} = {
        plain = mk "plain" { };
        set = { hidden = mk "hidden" { }; };
        nested = { recurseForDerivations = true; one = mk "one" { }; deeper = { recurseForDerivations = true; two = mk "two" { }; }; };
      };
      packages.riscv64-linux.other = mk "other" { };
      checks.\${s}.check = mk "check" { };
      devShells.\${s}.default = mk "shell" { };
      formatter.\${s} = mk "formatter" { };
      nixosConfigurations.host.config.system.build.toplevel = mk "host" { };
      nixosConfigurations.foreign.config.system.build.toplevel = mk "foreign" { system = "aarch64-linux"; };
      darwinConfigurations.mac.system = mk "mac" { };
      homeConfigurations."me@host".activationPackage = mk "home" { };
      hydraJobs = { a.b.c = mk "hydra" { }; foreign = mk "foreign" { system = "x86_64-darwin"; }; number = 3; };
      legacyPackages.\${s}.ignored = throw "not looked at";
    }`);

    const { ending, found, outcomes } = await evaluateAll(evaluator, requestFor(flake));

    expect(ending).toEqual({ kind: 'complete', warnings: [] });
    expect(outcomes).toEqual({
      'packages.x86_64-linux.plain': 'job',
      'packages.x86_64-linux.nested.deeper.two': 'job',
      'packages.x86_64-linux.nested.one': 'job',
      'checks.x86_64-linux.check': 'job',
      'devShells.x86_64-linux.default': 'job',
      'nixosConfigurations.host': 'job',
      'homeConfigurations."me@host"': 'job',
      'darwinConfigurations.mac': 'job',
      'hydraJobs.a.b.c': 'job',
      'formatter.x86_64-linux': 'job',
    });
    expect(found.every((one) => one.kind === 'job' && parseDerivationPath(one.drvPath) !== undefined)).toBe(
      true,
    );
  });

  test.skipIf(isMissing)(
    'only the outputs asked for are looked at, and a missing one is no jobs',
    async () => {
      const flake = await real.flake(`{ packages.\${s}.a = throw "not looked at"; }`);

      const answer = await evaluateAll(evaluator, requestFor(flake, { attributes: ['checks', 'formatter'] }));

      expect(answer).toEqual({ ending: { kind: 'complete', warnings: [] }, found: [], outcomes: {} });
    },
  );

  test.skipIf(isMissing)('a job says what a builder and a person need to know of it', async () => {
    const flake = await real.flake(`{
      packages.\${s} = {
        told = mk "told-1.0" { outputs = [ "out" "dev" ]; requiredSystemFeatures = [ "kvm" ]; }
          // { meta = { description = "says \\"hi\\"\\nto 100% of a/b"; mainProgram = "hi"; }; };
        structured = mk "structured" { __structuredAttrs = true; requiredSystemFeatures = [ "big-parallel" "kvm" ]; };
        broken-meta = mk "broken-meta" { } // { meta = { description = throw "no"; mainProgram = 3; }; };
        huge-meta = mk "huge-meta" { } // { meta.description = builtins.concatStringsSep "" (builtins.genList (i: "0123456789") 200000); };
      };
    }`);

    const { found } = await evaluateAll(evaluator, requestFor(flake));

    const byName = Object.fromEntries(found.map((one) => [one.kind === 'job' ? one.name : '', one]));
    expect(byName['told-1.0']).toMatchObject({
      system: 'x86_64-linux',
      requiredFeatures: ['kvm'],
      description: 'says "hi"\nto 100% of a/b',
      mainProgram: 'hi',
    });
    const told = byName['told-1.0'];
    expect(told?.kind === 'job' ? told.outputs['dev'] : undefined).toMatch(
      /^\/nix\/store\/.{32}-told-1\.0-dev$/,
    );
    expect(byName['structured']).toMatchObject({ requiredFeatures: ['big-parallel', 'kvm'] });
    expect(byName['broken-meta']).toMatchObject({ description: null, mainProgram: null });
    expect(byName['huge-meta']).toMatchObject({ description: null });
  });

  test.skipIf(isMissing)(
    'whatever an attribute does, it alone is broken, with Nix’s own message',
    async () => {
      const flake = await real.flake(`{
      packages.\${s} = {
        a-good = mk "a" { };
        aborted = abort "gave up";
        asserted = assert builtins.isString 1; mk "x" { };
        called-too-deep = let f = n: 1 + f n; in mk "r\${toString (f 1)}" { };
        looping = let x = x; in x;
        missing = { }.nothing;
        named-badly = mk "we ird*name" { };
        no-drv = { type = "derivation"; system = s; outputs = [ ]; drvPath = "/etc/passwd"; };
        number = 3;
        thrown = throw "thrown \\e[31mred\\n  second line";
        typed = 1 + "a";
        z-good = mk "z" { };
      };
      checks = throw "no checks";
      nixosConfigurations = 4;
      hydraJobs.endless = let set = { inner = set; }; in set;
    }`);

      const { ending, outcomes } = await evaluateAll(evaluator, requestFor(flake));

      expect(ending.kind).toBe('complete');
      const at = (name: string): string | undefined => outcomes[`packages.x86_64-linux.${name}`];
      expect(at('a-good')).toBe('job');
      expect(at('z-good')).toBe('job');
      expect(at('aborted')).toBe("evaluation aborted with the following error message: 'gave up'");
      expect(at('asserted')).toMatch(/^assertion '.*isString 1.*' failed/);
      expect(at('called-too-deep')).toMatch(/^stack overflow/);
      expect(at('looping')).toMatch(/^infinite recursion encountered/);
      expect(at('missing')).toMatch(/^attribute 'nothing' missing/);
      expect(at('named-badly')).toMatch(/illegal character ' '/);
      expect(at('no-drv')).toBe('It is not a derivation that Nix made: its drvPath is "/etc/passwd".');
      expect(at('number')).toBe('It is not a derivation but int.');
      expect(at('thrown')).toMatch(/^thrown .*red\n +second line$/);
      expect(at('thrown')).not.toContain('\u001b');
      expect(at('typed')).toMatch(/string/);
      expect(outcomes['checks']).toBe('no checks');
      expect(outcomes['nixosConfigurations']).toBe('a set was expected here, but int came');
      expect(
        Object.keys(outcomes).filter((attr) => attr.startsWith('hydraJobs.endless.inner.')),
      ).toHaveLength(1);
    },
  );

  test.skipIf(isMissing)('names with every odd character come through', async () => {
    const names = [
      '',
      ' ',
      'a b',
      'quo"te',
      'dot.ted',
      'new\nline',
      'tab\t',
      '${x}',
      "it''s",
      '\\',
      'a/b',
      '%2F',
      'ünï',
      '𝒳',
      '\u0001',
      '-x',
    ];
    const flake = await real.flake(
      `{ packages.\${s} = builtins.listToAttrs (map (name: { inherit name; value = mk "n" { }; }) (builtins.fromJSON ${JSON.stringify(JSON.stringify(names)).replaceAll('${', '\\${')} ++ [ (builtins.concatStringsSep "" (builtins.genList (i: "long") 500)) ])); }`,
    );

    const { ending, outcomes } = await evaluateAll(evaluator, requestFor(flake));

    expect(ending.kind).toBe('complete');
    for (const name of names) {
      const written = /^[A-Za-z0-9_'+-]+$/.test(name) ? name : JSON.stringify(name);
      expect(outcomes).toHaveProperty([`packages.x86_64-linux.${written}`], 'job');
    }
    expect(Object.values(outcomes).filter((outcome) => outcome !== 'job')).toEqual([
      'Its name is longer than 500 bytes.',
    ]);
  });

  test.skipIf(isMissing)('of many broken attributes each has its message', async () => {
    const flake = await real.flake(`{
      packages.\${s} = builtins.listToAttrs (builtins.genList (i: {
        name = "p\${toString (1000 + i)}";
        value = if i / 3 * 3 == i then mk "p\${toString i}" { } else if i / 3 * 3 == i - 1 then throw "throws \${toString i}" else { }."lacks\${toString i}";
      }) 300);
    }`);

    const { ending, outcomes } = await evaluateAll(evaluator, requestFor(flake));

    expect(ending.kind).toBe('complete');
    expect(Object.keys(outcomes)).toHaveLength(300);
    for (let i = 0; i < 300; i += 1) {
      const wanted = ['job', `throws ${i}`, `attribute 'lacks${i}' missing`][i % 3];
      expect(outcomes[`packages.x86_64-linux.p${1_000 + i}`]).toContain(wanted);
    }
  });

  test.skipIf(isMissing)('a flake cannot imitate what the evaluator says', async () => {
    const flake = await real.flake(`{
      packages.\${s} = {
        a = builtins.trace "argunix-0 job {}" (builtins.trace "trace: end" (mk "a" { }));
        b = builtins.trace "argunix-\${builtins.hashString "md5" "x"} end " (throw "b");
        c = mk "c" { };
      };
    }`);

    const { ending, outcomes } = await evaluateAll(evaluator, requestFor(flake));

    expect(ending.kind).toBe('complete');
    expect(outcomes).toEqual({
      'packages.x86_64-linux.a': 'job',
      'packages.x86_64-linux.c': 'job',
      'packages.x86_64-linux.b': 'b',
    });
  });

  test.skipIf(isMissing)('a flake that prints without end and without newlines fills no memory', async () => {
    const flake = await real.flake(`{
      packages.\${s}.loud = let long = builtins.concatStringsSep "" (builtins.genList (i: "0123456789abcdef") 65536); in
        builtins.foldl' (acc: i: builtins.trace long acc) (mk "loud" { }) (builtins.genList (i: i) 60);
    }`);
    const before = process.memoryUsage().rss;

    const { outcomes } = await evaluateAll(evaluator, requestFor(flake));

    expect(outcomes).toEqual({ 'packages.x86_64-linux.loud': 'job' });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1_024 * 1_024);
  });

  test.skipIf(isMissing).each([
    ['does not parse', { 'flake.nix': '{ outputs = { self }: {' }, /syntax error/],
    ['has no flake.nix', { README: 'no flake here' }, /flake\.nix/],
    ['returns no set', { 'flake.nix': '{ outputs = { self }: 3; }' }, /set|integer/],
    [
      'needs a lock file it does not have',
      { 'flake.nix': '{ inputs.x.url = "path:/nowhere"; outputs = { self, x }: { }; }' },
      /lock|x/,
    ],
  ])('a flake that %s fails with a sentence', async (_, files, sentence) => {
    const flake = await real.checkOut(files);

    const { ending, found } = await evaluateAll(evaluator, requestFor(flake));

    expect(ending.kind).toBe('failed');
    expect(reasonOf(ending)).toMatch(sentence);
    expect(found).toEqual([]);
  });

  test.skipIf(isMissing)(
    'one that never ends is ended in time and named; what was found before stays',
    async () => {
      const flake = await real.flake(`{
      packages.\${s} = { a = mk "a" { }; endless = builtins.foldl' (acc: i: acc + builtins.length (builtins.genList (j: j) 1000)) 0 (builtins.genList (i: i) 1000000000); };
    }`);

      const { ending, outcomes } = await evaluateAll(
        evaluator,
        requestFor(flake, { timeoutMs: 2_500, memoryBytes: 64 * 2 ** 30 }),
      );

      expect(ending).toEqual({
        kind: 'timed_out',
        reason:
          'The evaluation took longer than the 2.5 s that eval.timeout_seconds allows; packages.x86_64-linux.endless was under way.',
      });
      expect(outcomes).toEqual({ 'packages.x86_64-linux.a': 'job' });
      expect(nixProcesses()).toEqual([]);
    },
  );

  test.skipIf(isMissing)(
    'one that needs too much memory is named, and the others are still evaluated',
    async () => {
      const flake = await real.flake(`{
      packages.\${s} = {
        a = mk "a" { };
        big = mk "big" { size = builtins.foldl' (a: b: a + b) 0 (builtins.concatLists (builtins.genList (n: builtins.genList (i: i + n) 1000000) 400)); };
        c = mk "c" { };
      };
    }`);

      const { ending, outcomes } = await evaluateAll(
        evaluator,
        requestFor(flake, { memoryBytes: 700 * 2 ** 20 }),
      );

      const attr = 'packages.x86_64-linux.big';
      const sentence = `${attr} needed more than the 700 MiB of memory that its evaluation may use.`;
      expect(ending).toEqual({ kind: 'out_of_memory', reason: sentence, attrs: [attr] });
      expect(outcomes).toEqual({
        'packages.x86_64-linux.a': 'job',
        'packages.x86_64-linux.big': sentence,
        'packages.x86_64-linux.c': 'job',
      });
    },
  );

  test.skipIf(isMissing)('cancelled, nothing of it is left when it says so', async () => {
    const flake = await real.flake(`{
      packages.\${s}.endless = builtins.foldl' (acc: i: acc + 1) 0 (builtins.genList (i: i) 1000000000);
    }`);
    const stop = new AbortController();
    const evaluating = evaluateAll(evaluator, requestFor(flake), stop.signal);
    await until(() => nixProcesses().length > 0);

    stop.abort();
    const { ending } = await evaluating;

    expect(ending).toEqual({ kind: 'cancelled' });
    expect(nixProcesses()).toEqual([]);
  });

  test.skipIf(isMissing)('the evaluator is held back while what it found is being stored', async () => {
    const flake = await real.flake(`{
      packages.\${s} = builtins.listToAttrs (builtins.genList (i: { name = "p\${toString i}"; value = mk "p\${toString i}" { }; }) 3000);
    }`);
    const sizes: number[] = [];
    let isStoring = false;
    const ending = await evaluator.evaluate(
      requestFor(flake),
      async (found: readonly Found[]) => {
        expect(isStoring).toBe(false);
        isStoring = true;
        sizes.push(found.length);
        await delay(10);
        isStoring = false;
      },
      new AbortController().signal,
    );

    expect(ending.kind).toBe('complete');
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(3_000);
    // A chunk of the pipe beside the 200 that wait.
    expect(Math.max(...sizes)).toBeLessThan(1_000);
  });

  test.skipIf(isMissing)(
    'a reference is evaluated as it lies there, changes that are not committed too',
    async () => {
      const dir = await real.git.init('dirty');
      await real.git.commit(dir, { 'flake.nix': flakeText('{ packages.${s}.old = mk "old" { }; }') });
      await writeFile(join(dir, 'flake.nix'), flakeText('{ packages.${s}.new = mk "new" { }; }'));

      const { ending, outcomes } = await evaluateAll(
        evaluator,
        requestFor({ kind: 'reference', reference: dir }),
      );

      expect(ending.kind).toBe('complete');
      expect(outcomes).toEqual({ 'packages.x86_64-linux.new': 'job' });
    },
  );
});

test('further processes take their share from the end, and nothing is told twice', {
  timeout: 180_000,
}, async () => {
  const spaces = createUnconfinedSpaces(installedNixes()[0]?.env ?? {});
  const flake = await real.flake(`{
    packages.\${s} = builtins.listToAttrs (builtins.genList (i: {
      name = "p\${toString (100 + i)}";
      value = if i == 33 then abort "33" else mk "p\${toString i}" { work = builtins.foldl' (a: b: a + b) 0 (builtins.genList (j: j) 1500000); };
    }) 40);
  }`);

  const { ending, outcomes } = await evaluateAll(
    // However busy the host is, the others are asked for at once.
    createBuiltInEvaluator(spaces, { lookEveryMs: 100, evaluatingShare: 0 }),
    requestFor(flake, { workers: 3 }),
  );

  expect(ending.kind).toBe('complete');
  expect(Object.keys(outcomes)).toHaveLength(40);
  expect(Object.values(outcomes).filter((outcome) => outcome === 'job')).toHaveLength(39);
  expect(Object.keys(outcomes).indexOf('packages.x86_64-linux.p139')).toBeLessThan(38);
});

/** Those of this test, by their command line. */
function nixProcesses(): readonly string[] {
  return descendantsOf([process.pid])
    .map(({ pid }) => commandLine(pid))
    .filter((line) => /\bnix eval\b/.test(line));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 200);
  } catch {
    // It ended meanwhile.
    return '';
  }
}
