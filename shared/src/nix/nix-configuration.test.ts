import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseNixSettings, readNixConfiguration } from './nix-configuration.ts';
import { installedNixes } from './testing/real-nix.ts';

const CONFIG = `max-jobs = 3
cores = 1
extra-platforms = i686-linux
system-features = kvm big-parallel
trusted-public-keys = a-1:AAAA
trusted-users = root @wheel`;

describe.each(installedNixes(CONFIG))('$title', (nix) => {
  test.skipIf(nix.isMissing)('its settings are read into one shape', async () => {
    const configuration = await readNixConfiguration(nix.env);

    expect(configuration).toMatchObject({
      system: 'x86_64-linux',
      extraPlatforms: ['i686-linux'],
      sandbox: 'off',
      maxJobs: 3,
      cores: 1,
      substituters: [],
      trustedPublicKeys: ['a-1:AAAA'],
      trustedUsers: ['root', '@wheel'],
    });
    expect(configuration.systemFeatures.toSorted()).toEqual(['big-parallel', 'kvm']);
    expect(configuration.version.minor).toBeGreaterThanOrEqual(8);
  });

  test.skipIf(nix.isMissing).each([
    ['true', 'on'],
    ['relaxed', 'relaxed'],
    ['false', 'off'],
  ] as const)('sandbox = %s is %s', async (value, expected) => {
    const config = `${nix.env['NIX_CONFIG']}\nsandbox = ${value}`;

    expect((await readNixConfiguration({ ...nix.env, NIX_CONFIG: config })).sandbox).toBe(expected);
  });
});

test('a host without Nix is told what is missing', async () => {
  await expect(readNixConfiguration({ PATH: '/nonexistent' })).rejects.toMatchObject({ code: 'nix.missing' });
});

test('a Nix older than 2.8 is refused with its version', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'old-nix-'));
  await writeFile(join(dir, 'nix'), '#!/bin/sh\necho "nix (Nix) 2.3.16"\n');
  await chmod(join(dir, 'nix'), 0o755);

  await expect(readNixConfiguration({ PATH: `${dir}:/usr/bin:/bin` })).rejects.toThrow(
    'got "nix (Nix) 2.3.16"',
  );
  await rm(dir, { recursive: true });
});

test.each(['', '[]', '{', '{"system":{"value":3}}'])('settings of another shape are refused: %j', (text) => {
  expect(() => parseNixSettings(text)).toThrow('nix tells its settings otherwise than expected');
});
