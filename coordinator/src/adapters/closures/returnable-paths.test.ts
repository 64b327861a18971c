import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { expect, test } from 'vitest';
import type { DerivationFacts, DerivationFactsReader } from './derivation-facts.ts';
import { findReturnablePaths } from './returnable-paths.ts';

const drv = (name: string): DerivationPath => `/nix/store/${name}.drv` as DerivationPath;

function facts(
  outputs: readonly string[],
  inputs: Readonly<Record<string, readonly string[]>> = {},
): DerivationFacts {
  return {
    outputs: new Map(outputs.map((path) => [path.split('-')[1] ?? 'out', { path, ca: '' }])),
    inputs: Object.entries(inputs).map(([name, names]) => ({ drvPath: drv(name), outputs: names })),
    sources: [],
  };
}

/** `top` needs both outputs of `inner`, which needs `deep`. */
const FACTS: Readonly<Record<string, DerivationFacts>> = {
  [drv('top')]: facts(['top-out'], { inner: ['out', 'dev'] }),
  [drv('inner')]: facts(['inner-out', 'inner-dev'], { deep: ['out'] }),
  [drv('deep')]: facts(['deep-out']),
};
const derivations: DerivationFactsReader = {
  read(drvPath) {
    const known = FACTS[drvPath];
    if (known === undefined) {
      throw new Error(`no facts of ${drvPath}`);
    }
    return known;
  },
};

async function find(valid: readonly string[], covered: readonly string[]) {
  const { outputs, heads, lost } = await findReturnablePaths({
    drvPath: drv('top'),
    derivations,
    covered,
    validPaths: (paths) => Promise.resolve(new Set(paths.filter((path) => valid.includes(path)))),
  });
  return { taken: [...outputs.keys()], heads: [...new Set(heads)], lost: [...new Set(lost)] };
}

test('an inner output that the lease covers may be taken, with what it needs', async () => {
  const covered = ['top-out', 'inner-out', 'inner-dev', 'deep-out'];

  expect(await find([], covered)).toEqual({ taken: covered, heads: [], lost: [] });
});

test('an output that was valid here when the lease was made is not taken, though its sister is', async () => {
  const covered = ['top-out', 'inner-out', 'deep-out'];

  expect(await find(['inner-dev'], covered)).toEqual({ taken: covered, heads: ['inner-dev'], lost: [] });
  expect(await find([], covered)).toEqual({ taken: covered, heads: [], lost: ['inner-dev'] });
});

test('what an input lost since the lease is not taken either', async () => {
  expect(await find([], ['top-out'])).toEqual({
    taken: ['top-out'],
    heads: [],
    lost: ['inner-out', 'inner-dev'],
  });
});
