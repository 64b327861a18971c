import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { outputOf } from '@argunix/shared/kit/run-process';
import { installedNixes, instantiate, type RealNix } from '@argunix/shared/nix/testing/real-nix';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PlannedBuilds } from '../../ports/build-plan.ts';
import { createBuildPlan, createDryRunReader } from './build-plan.ts';

const GONE = '/nix/store/00000000000000000000000000000000-gone.drv' as DerivationPath;
const FOREVER = AbortSignal.timeout(600_000);
const DIAMOND = String.raw`
  left = build "left" "echo $base > $out" { base = build "base" "echo base > $out" {}; };
  right = build "right" "echo $base > $out" { base = build "base" "echo base > $out" {}; };
  top = build "top" "echo $left $right > $out" { inherit left right; };
  lone = build "lone" "echo lone > $out; echo dev > $dev" { outputs = [ "out" "dev" ]; };`;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'build-plan-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

function nixStore(nix: RealNix, ...args: readonly string[]): Promise<string> {
  return outputOf({ command: 'nix-store', args, env: nix.env, deadlineMs: 60_000 });
}
function withSettings(nix: RealNix, settings: string): RealNix {
  return { ...nix, env: { ...nix.env, NIX_CONFIG: `${nix.env['NIX_CONFIG']}\n${settings}` } };
}
function namesOf(paths: ReadonlySet<string>): readonly string[] {
  return [...paths].map((path) => path.replace(/^\/nix\/store\/[^-]*-/, '')).toSorted();
}
function shown(planned: PlannedBuilds): unknown {
  return planned.kind === 'known'
    ? { build: namesOf(planned.toBuild), fetch: namesOf(planned.toFetch) }
    : planned;
}

describe.each(installedNixes())('$title', (nix) => {
  test.skipIf(nix.isMissing)(
    'all that is not valid would be built, with what nobody asked for by name, and nothing else',
    async () => {
      const { left, right, top, lone } = await instantiate(nix, DIAMOND);
      const drvPaths = [left, right, top, lone].filter((drvPath) => drvPath !== undefined);
      // One for each process, and all in one: the sum is the same.
      const plans = [createBuildPlan({ env: nix.env, chunk: 1 }), createBuildPlan({ env: nix.env })];

      for (const one of plans) {
        expect(shown(await one.plan(drvPaths, FOREVER))).toEqual({
          build: ['base.drv', 'left.drv', 'lone.drv', 'right.drv', 'top.drv'],
          fetch: [],
        });
      }
      await nixStore(nix, '--realise', left ?? GONE);
      for (const one of plans) {
        expect(shown(await one.plan(drvPaths, FOREVER))).toEqual({
          build: ['lone.drv', 'right.drv', 'top.drv'],
          fetch: [],
        });
      }
      await nixStore(nix, '--realise', ...drvPaths);
      for (const one of plans) {
        expect(shown(await one.plan(drvPaths, FOREVER))).toEqual({ build: [], fetch: [] });
      }
    },
  );

  test.skipIf(nix.isMissing)('a derivation that is gone hides nothing of the others', async () => {
    const { left } = await instantiate(nix, DIAMOND);
    const buildPlan = createBuildPlan({ env: nix.env });

    expect(shown(await buildPlan.plan([GONE, left ?? GONE], FOREVER))).toEqual({
      build: ['base.drv', 'left.drv'],
      fetch: [],
    });
    expect(shown(await buildPlan.plan([], FOREVER))).toEqual({ build: [], fetch: [] });
  });

  test.skipIf(nix.isMissing)('what a binary cache has would be fetched and not built', async () => {
    const cache = `file://${dir}/cache`;
    const { left, top } = await instantiate(nix, DIAMOND.replaceAll('{}', '{ allowSubstitutes = true; }'));
    const outputs = (await nixStore(nix, '--realise', left ?? GONE)).trim().split('\n');
    await outputOf({
      command: 'nix',
      args: ['copy', '--to', cache, ...outputs],
      env: { ...nix.env, HOME: dir },
      deadlineMs: 60_000,
    });
    const base = (await nixStore(nix, '--query', '--references', ...outputs)).trim().split('\n');
    await nixStore(nix, '--delete', ...outputs);
    await nixStore(nix, '--delete', ...base.filter((path) => path.endsWith('-base')));
    const online = withSettings(
      nix,
      `substituters = ${cache}\nrequire-sigs = false\nnarinfo-cache-positive-ttl = 0\nnarinfo-cache-negative-ttl = 0`,
    );

    const planned = await createBuildPlan({ env: { ...online.env, HOME: dir } }).plan([top ?? GONE], FOREVER);

    expect(planned.kind === 'known' ? namesOf(planned.toBuild) : planned).toEqual(['right.drv', 'top.drv']);
    expect(planned.kind === 'known' ? planned.toFetch : planned).toEqual(new Set([...outputs, ...base]));
  });

  test.skipIf(nix.isMissing)('a substituter that says nothing makes it unknown, in time', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => {
      silent.listen(0, '127.0.0.1', resolve);
    });
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { left } = await instantiate(nix, DIAMOND);
    const { env } = withSettings(nix, `substituters = http://127.0.0.1:${port}`);

    const planned = await createBuildPlan({ env: { ...env, HOME: dir }, deadlineMs: 1_500 }).plan(
      [left ?? GONE],
      FOREVER,
    );
    silent.close();

    expect(planned).toEqual({
      kind: 'unknown',
      reason: 'nix-store took too long and was ended',
    });
  });

  test.skipIf(nix.isMissing)(
    'asked to stop, or without a Nix, it is unknown and nothing is thrown',
    async () => {
      const { left } = await instantiate(nix, DIAMOND);

      expect(await createBuildPlan({ env: nix.env }).plan([left ?? GONE], AbortSignal.abort())).toMatchObject(
        {
          kind: 'unknown',
        },
      );
      expect(
        await createBuildPlan({ env: { PATH: '/nonexistent' } }).plan([left ?? GONE], FOREVER),
      ).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('could not be started') as string });
      expect(
        await createBuildPlan({ env: { ...nix.env, NIX_REMOTE: 'unix:///nonexistent' } }).plan(
          [left ?? GONE],
          FOREVER,
        ),
      ).toMatchObject({
        kind: 'unknown',
        reason: expect.stringMatching(/cannot connect|No such file/) as string,
      });
    },
  );
});

const path = (name: string): string => `/nix/store/${'a'.repeat(32)}-${name}`;

test.each([
  // 2.3, 2.8 to 2.26, 2.34 (sizes in other units), and one of each.
  ['these derivations will be built:', 'these paths will be fetched (1.20 MiB download, 5.00 MiB unpacked):'],
  [
    'these 2 derivations will be built:',
    'these 2 paths will be fetched (1.20 MiB download, 5.00 MiB unpacked):',
  ],
  [
    'these 2 derivations will be built:',
    'these 2 paths will be fetched (0.1 KiB download, 1.4 KiB unpacked):',
  ],
  ['this derivation will be built:', 'this path will be fetched (0.00 MiB download, 0.00 MiB unpacked):'],
])('%j and %j are headings, and warnings between paths are not paths', (building, fetching) => {
  const lists = { toBuild: new Set<DerivationPath>(), toFetch: new Set<string>() };
  const reader = createDryRunReader(lists, () => undefined);
  const text = [
    "warning: unable to download 'https://x/nix-cache-info'",
    building,
    `  ${path('one.drv')}`,
    'warning: something else',
    `  ${path('two.drv')}`,
    fetching,
    `  ${path('three')}`,
    `  ${path('four.drv')}`,
    "don't know how to build these paths:",
    `  ${path('five.drv')}`,
    `path ${path('six.drv')} of a sentence`,
  ];

  for (const line of text) {
    reader.event({ kind: 'line', text: line });
  }

  expect(lists.toBuild).toEqual(new Set([path('one.drv'), path('two.drv')]));
  expect(lists.toFetch).toEqual(new Set([path('three'), path('four.drv')]));
});

test('a list of a hundred thousand is read', () => {
  const lists = { toBuild: new Set<DerivationPath>(), toFetch: new Set<string>() };
  const reader = createDryRunReader(lists, () => undefined);
  reader.event({ kind: 'message', level: 3, text: 'these 100000 derivations will be built:' });

  for (let at = 0; at < 100_000; at += 1) {
    reader.event({ kind: 'message', level: 3, text: `  ${path(`p${at}.drv`)}` });
  }

  expect(lists.toBuild.size).toBe(100_000);
  expect(reader.isOverfull()).toBe(false);
});
