import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { descendantsOf, sendSignal } from '@argunix/shared/kit/descendants';
import { silentLogger } from '@argunix/shared/kit/logger';
import { until } from '@argunix/shared/kit/testing/until';
import { readNixConfiguration } from '@argunix/shared/nix/nix-configuration';
import { installedNixes } from '@argunix/shared/nix/testing/real-nix';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  confine,
  evaluateAll,
  makeRealEvaluation,
  type RealEvaluation,
  requestFor,
} from '../../../../test/real-evaluation.ts';
import { createBuiltInEvaluator } from '../built-in-evaluator.ts';
import { type Confinement, createConfinement } from './confinement.ts';
import { findProgram } from './find-program.ts';

const CONFIG = 'extra-sandbox-paths = /bin/sh=/usr/bin/bash-static';

let real: RealEvaluation;
beforeAll(async () => {
  real = await makeRealEvaluation();
});
afterAll(async () => {
  await real.remove();
});

describe.each(installedNixes(CONFIG))('$title', { timeout: 60_000 }, ({ env, isMissing }) => {
  let confinement: Confinement;
  let dir: string;
  beforeEach(async (context) => {
    context.skip(isMissing);
    dir = join(real.git.dir, `confined-${randomBytes(4).toString('hex')}`);
    confinement = await confine(dir, env);
  });
  afterEach(async () => {
    if (!isMissing) {
      await confinement.close();
    }
  });

  test('an evaluation leaves nothing behind but the cache of its key', async () => {
    const flake = await real.flake('{ packages.${s}.a = mk "a" { }; }');
    const evaluator = createBuiltInEvaluator(confinement);

    for (const cacheKey of ['one', 'other', 'one']) {
      const { ending } = await evaluateAll(evaluator, requestFor(flake, { cacheKey, allowNetwork: true }));
      expect(ending).toEqual({ kind: 'complete', warnings: [] });
    }

    expect(await readdir(join(dir, 'home'))).toHaveLength(2);
    expect(await readdir(join(dir, 'tmp'))).toEqual([]);
    expect(commands().filter((line) => /slirp4netns.*tap0$/.test(line))).toHaveLength(1);
  });

  test('a daemon of ours that was killed is started again', async () => {
    const evaluator = createBuiltInEvaluator(confinement);
    const first = await evaluateAll(
      evaluator,
      requestFor(await real.flake('{ packages.${s}.a = mk "a" { }; }')),
    );
    const daemon = descendantsOf([process.pid]).find(({ pid }) =>
      /nix-daemon --daemon/.test(commandLine(pid)),
    );

    sendSignal(daemon?.pid ?? Number.NaN, 'SIGKILL');
    await until(() => commands().every((line) => !/nix-daemon --daemon/.test(line)));
    const second = await evaluateAll(
      evaluator,
      requestFor(await real.flake('{ packages.${s}.b = mk "b" { }; }')),
    );

    expect(first.outcomes).toEqual({ 'packages.x86_64-linux.a': 'job' });
    expect(second.outcomes).toEqual({ 'packages.x86_64-linux.b': 'job' });
  });

  test('what is imported from derivations is built where that is allowed, and refused where not', async () => {
    const flake = await real.flake(
      '{ packages.${s}.a = mk (builtins.readFile (mk "imported" { args = [ "-c" "printf built > $out" ]; })) { }; }',
    );
    const evaluator = createBuiltInEvaluator(confinement);

    const refused = await evaluateAll(evaluator, requestFor(flake));
    const allowed = await evaluateAll(evaluator, requestFor(flake, { allowImportFromDerivation: true }));

    expect(refused.outcomes['packages.x86_64-linux.a']).toMatch(/allow-import-from-derivation/);
    expect(allowed.found).toMatchObject([{ kind: 'job', name: 'built' }]);
  });

  test('files that git does not hold are evaluated from the worktree, as if git held them', async () => {
    const flake = await real.flake(`{
      packages.\${s}.a = derivation {
        name = "a-\${self.rev}-\${toString self.lastModified}"; system = s; builder = "/bin/sh";
        files = builtins.attrNames (builtins.readDir self); source = self;
      };
    }`);
    const evaluator = createBuiltInEvaluator(confinement);

    const fromGit = await evaluateAll(evaluator, requestFor(flake));
    const fromWorktree = await evaluateAll(evaluator, requestFor({ ...flake, hasLargeFiles: true }));

    expect(fromGit.found).toMatchObject([{ kind: 'job' }]);
    expect(fromWorktree.found).toEqual(fromGit.found);
  });

  test('many at once get their own answers', async () => {
    const evaluator = createBuiltInEvaluator(confinement);
    const names = ['a', 'b', 'c', 'd'];
    const flakes = [];
    for (const name of names) {
      flakes.push(await real.flake(`{ packages.\${s}.${name} = mk "${name}" { }; }`));
    }

    const answers = await Promise.all(
      flakes.map(async (flake) => await evaluateAll(evaluator, requestFor(flake, { allowNetwork: true }))),
    );

    expect(answers.map(({ outcomes }) => outcomes)).toEqual(
      names.map((name) => ({ [`packages.x86_64-linux.${name}`]: 'job' })),
    );
  });

  test('whom the daemon trusts is not taken for confined', async () => {
    const trusting = { ...env, NIX_CONFIG: `${env['NIX_CONFIG'] ?? ''}\ntrusted-users = root nobody` };

    const verdict = await createConfinement({
      ...{ dir, env: trusting, logger: silentLogger },
      settings: await readNixConfiguration(trusting),
    });

    expect(verdict).toEqual({
      kind: 'missing',
      reason:
        'Evaluations cannot be confined while the Nix daemon trusts nobody: take nobody out of trusted-users in nix.conf.',
    });
  });
});

test('without bubblewrap it is said what to install', async () => {
  const bin = join(real.git.dir, 'bin');
  await mkdir(bin);
  for (const name of ['nix', 'setpriv', 'prlimit']) {
    await symlink(findProgram(name, process.env['PATH'] ?? '') ?? '', join(bin, name));
  }

  const verdict = await createConfinement({
    dir: join(real.git.dir, 'none'),
    env: { PATH: bin },
    logger: silentLogger,
    settings: await readNixConfiguration(process.env),
  });

  expect(verdict).toEqual({
    kind: 'missing',
    reason: 'Evaluations cannot be confined without bwrap: install bubblewrap.',
  });
});

test('where namespaces are refused it is said what to allow', async () => {
  const bin = join(real.git.dir, 'refusing');
  await mkdir(bin);
  await writeFile(
    join(bin, 'bwrap'),
    '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n',
    { mode: 0o755 },
  );
  const PATH = `${bin}:${process.env['PATH'] ?? ''}`;

  const verdict = await createConfinement({
    dir: join(real.git.dir, 'none'),
    env: { PATH },
    logger: silentLogger,
    settings: await readNixConfiguration(process.env),
  });

  expect(verdict.kind === 'missing' ? verdict.reason : '').toMatch(
    /No permissions to create new namespace\. Allow user namespaces/,
  );
});

function commands(): readonly string[] {
  return descendantsOf([process.pid]).map(({ pid }) => commandLine(pid));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    // It ended meanwhile.
    return '';
  }
}
