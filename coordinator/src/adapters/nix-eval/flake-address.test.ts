/** Where a flake is: what is uncommitted counts, a flake may lie below its root, and a path may hold any character. */
import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installedNixes } from '@argunix/shared/nix/testing/real-nix';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  evaluateAll,
  flakeText,
  makeRealEvaluation,
  type RealEvaluation,
  requestFor,
} from '../../../test/real-evaluation.ts';
import { createBuiltInEvaluator } from './built-in-evaluator.ts';
import { createUnconfinedSpaces } from './evaluation-space.ts';

let real: RealEvaluation;
let odd: RealEvaluation;
beforeAll(async () => {
  real = await makeRealEvaluation();
  odd = await makeRealEvaluation('argunix évaluation 100% #1 ');
});
afterAll(async () => {
  await real.remove();
  await odd.remove();
});

describe.each(installedNixes())('$title', { timeout: 60_000 }, ({ env, isMissing }) => {
  const evaluator = createBuiltInEvaluator(createUnconfinedSpaces(env));

  test.skipIf(isMissing)(
    'a flake below the root of a changed repository is evaluated as it is on disk, and sees what is above it',
    async () => {
      const flake = flakeText('{ packages.${s}.a = mk (builtins.readFile ../name) { }; }');
      const repository = await real.git.init(randomUUID());
      await real.git.commit(repository, { 'below/flake.nix': flake, name: 'committed' });
      await appendFile(join(repository, 'name'), '-and-changed');

      const { ending, found } = await evaluateAll(
        evaluator,
        requestFor({ kind: 'reference', reference: join(repository, 'below') }),
      );

      expect(ending).toEqual({ kind: 'complete', warnings: [] });
      expect(found).toMatchObject([{ attr: 'packages.x86_64-linux.a', name: 'committed-and-changed' }]);
    },
  );

  test.skipIf(isMissing)(
    'a directory that is no repository may be at a path with any character',
    async () => {
      const directory = join(odd.git.dir, randomUUID(), 'a flake? #2');
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, 'flake.nix'), flakeText('{ packages.${s}.a = mk "a" { }; }'));

      const { outcomes } = await evaluateAll(
        evaluator,
        requestFor({ kind: 'reference', reference: directory }),
      );

      expect(outcomes).toEqual({ 'packages.x86_64-linux.a': 'job' });
    },
  );

  test.skipIf(isMissing)('a checkout may be at a path with any character in it', async () => {
    const flake = await odd.flake('{ packages.${s}.a = mk "rev-${self.rev}" { }; }');

    const { ending, found } = await evaluateAll(evaluator, requestFor(flake));

    expect(ending).toEqual({ kind: 'complete', warnings: [] });
    expect(found).toMatchObject([{ name: `rev-${flake.sha}` }]);
  });
});
