import { describe, expect, test } from 'vitest';
import type { DerivationPath } from '../domain/store-path.ts';
import { outputOf } from '../kit/run-process.ts';
import { createDerivationReader } from './derivation-reader.ts';
import { installedNixes, instantiate } from './testing/real-nix.ts';

const GONE = '/nix/store/00000000000000000000000000000000-gone.drv' as DerivationPath;

describe.each(installedNixes())('$title', (nix) => {
  test.skipIf(nix.isMissing)('a derivation tells what a builder must be, have and get', async () => {
    const { plain, structured, fetched, source } = await instantiate(
      nix,
      String.raw`source = build "source-1.0" "" {};
       plain = build "plain" "" { inherit source; requiredSystemFeatures = [ "kvm" "big-parallel" ]; outputs = [ "out" "dev" ]; };
       structured = build "structured" "" { __structuredAttrs = true; requiredSystemFeatures = [ "kvm" ]; system = "aarch64-linux"; };
       fetched = build "fetched" "" { outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; outputHashMode = "flat"; };`,
    );
    const reader = createDerivationReader();
    const outputs = await outputOf({
      command: 'nix-store',
      args: ['--query', '--outputs', plain ?? GONE],
      env: nix.env,
      deadlineMs: 30_000,
    });

    const told = await reader.details(plain ?? GONE);

    expect(told).toMatchObject({
      name: 'plain',
      system: 'x86_64-linux',
      requiredFeatures: ['kvm', 'big-parallel'],
      inputDerivations: [source],
      isFixedOutput: false,
    });
    expect(Object.keys(told?.outputs ?? {}).toSorted()).toEqual(['dev', 'out']);
    expect(Object.values(told?.outputs ?? {}).toSorted()).toEqual(outputs.trim().split('\n').toSorted());
    expect(await reader.inputDerivations(plain ?? GONE)).toEqual([source]);
    expect(await reader.details(structured ?? GONE)).toMatchObject({
      name: 'structured',
      system: 'aarch64-linux',
      requiredFeatures: ['kvm'],
      inputDerivations: [],
    });
    expect(await reader.details(fetched ?? GONE)).toMatchObject({ isFixedOutput: true });
  });
});

test('one that is gone has no details and no inputs, and is asked for again', async () => {
  const reader = createDerivationReader();

  expect(await reader.details(GONE)).toBeUndefined();
  expect(await reader.inputDerivations(GONE)).toEqual([]);
});
