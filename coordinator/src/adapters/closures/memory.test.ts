import { join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';
import { installedNixes, instantiate, type RealNix } from '@argunix/shared/nix/testing/real-nix';
import { expect, test } from 'vitest';

test('a path of 400 MB to a builder that stops reading is never held in memory', async () => {
  const [nix] = installedNixes() as [RealNix];
  const drvs = await instantiate(
    nix,
    `large = build "large" "head -c 400000000 /dev/zero > $out" {}; a = build "a" "" { inherit large; };`,
  );
  await outputOf({
    command: 'nix-store',
    args: ['--realise', drvs['large'] ?? ''],
    env: nix.env,
    deadlineMs: 30_000,
  });

  const said = await outputOf({
    command: process.execPath,
    args: [
      '--conditions=source',
      join(import.meta.dirname, 'fixtures/push-and-tell-memory.ts'),
      drvs['a'] ?? '',
    ],
    env: { ...process.env, ...nix.env },
    deadlineMs: 30_000,
  });

  const { bytes, grownBytes } = JSON.parse(said) as { bytes: number; grownBytes: number };
  expect(bytes).toBeGreaterThan(400_000_000);
  // Buffers of 64 kB that the collector has not yet swept, and the code itself.
  expect(grownBytes).toBeLessThan(120_000_000);
});
