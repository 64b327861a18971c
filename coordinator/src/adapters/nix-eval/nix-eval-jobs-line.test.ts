import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseNixEvalJobsLine } from './nix-eval-jobs-line.ts';

const DRV = '/nix/store/98dasdshyg183p079mfhfr7r3ysq7pww-hello-2.12.drv';
const OUT = '/nix/store/rw38agn26nn02px2ihpjcxal8hfhirvl-hello-2.12';
const ATTR = { attr: 'packages.x86_64-linux."a.b"', attrPath: ['packages', 'x86_64-linux', 'a.b'] };
const BASE = { ...ATTR, name: 'hello-2.12', system: 'x86_64-linux', drvPath: DRV, outputs: { out: OUT } };
const META = { argunix: { f: ['kvm'], m: 'says hi%0A', p: 'hello' } };

// The documented fields of each family of versions, with what its --meta prints of ours.
const FAMILIES: Readonly<Record<string, object>> = {
  '2.18 to 2.23': { ...BASE, inputDrvs: { [DRV]: ['out'] }, isCached: false, meta: META },
  '2.24 to 2.27': { ...BASE, cacheStatus: 'notBuilt', meta: META },
  '2.28 to 2.31': { ...BASE, extraValue: null, neededBuilds: [], neededSubstitutes: [], meta: META },
  '2.32 to 2.33': { ...BASE, requiredSystemFeatures: ['kvm'], meta: META },
  '2.35': {
    ...BASE,
    ...{
      requiredSystemFeatures: ['kvm'],
      storeDir: '/nix/store',
      constituents: [],
      warnings: [],
      traces: [],
    },
    ...{ stats: { wallMs: 3, allocBytes: 4 }, meta: META },
  },
};

describe.each(Object.entries(FAMILIES))('a line of %s', (_, line) => {
  test('is a job with its features and texts', () => {
    expect(parseNixEvalJobsLine(JSON.stringify(line))).toEqual({
      kind: 'job',
      path: ATTR.attrPath,
      job: {
        ...{ kind: 'job', attr: ATTR.attr, system: 'x86_64-linux', name: 'hello-2.12', drvPath: DRV },
        ...{
          outputs: { out: OUT },
          requiredFeatures: ['kvm'],
          description: 'says hi\n',
          mainProgram: 'hello',
        },
      },
    });
  });
});

test('an output whose path is not known before the build has none', () => {
  const line = parseNixEvalJobsLine(JSON.stringify({ ...BASE, outputs: { out: null } }));

  expect(line).toMatchObject({
    kind: 'job',
    job: { outputs: { out: null }, requiredFeatures: [], description: null },
  });
});

test('an error is told without colours and without what Nix was doing', () => {
  const error =
    'error:\n       … while calling the seq builtin\n         at «string»:1:2:\n            1| text\n             | ^\n\n       error: \u001b[31mboom\u001b[0m\n       at /nix/store/x/flake.nix:1:2:';

  expect(parseNixEvalJobsLine(JSON.stringify({ ...ATTR, error }))).toEqual({
    ...{ kind: 'broken', path: ATTR.attrPath, isFatal: false },
    message: 'boom\nat /nix/store/x/flake.nix:1:2:',
  });
  expect(parseNixEvalJobsLine(JSON.stringify({ ...ATTR, error: 'boom', fatal: true }))).toMatchObject({
    ...{ message: 'boom', isFatal: true },
  });
});

test('whatever comes, it is a job of a derivation path, broken, or not a line of it', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), mutated()), (text) => {
      const line = parseNixEvalJobsLine(text);
      expect(line.kind === 'job' ? line.job.drvPath : DRV).toMatch(/^\/nix\/store\/[^/]+\.drv$/);
    }),
  );
});

function mutated(): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...Object.values(FAMILIES)), fc.constantFrom(...Object.keys(BASE)), fc.jsonValue())
    .map(([line, key, value]) => JSON.stringify({ ...line, [key]: value }));
}
