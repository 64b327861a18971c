import { createDerivationReader } from '@argunix/shared/nix/derivation-reader';
import type { NixConfiguration } from '@argunix/shared/nix/nix-configuration';
import { readNixConfiguration } from '@argunix/shared/nix/nix-configuration';
import { installedNixes, instantiate, type RealNix } from '@argunix/shared/nix/testing/real-nix';
import { describe, expect, test } from 'vitest';
import { createLocalFleet, type LocalFleet, type LocalFleetOptions } from './local-fleet.ts';
import { recordBuilds } from './testing/build-record.ts';
import { LIMITS, range } from './testing/local-builds.ts';

const HOST: NixConfiguration = {
  version: { text: '2.8.0', major: 2, minor: 8 },
  system: 'x86_64-linux',
  extraPlatforms: ['i686-linux', 'x86_64-v2-linux', 'aarch64-linux'],
  systemFeatures: ['kvm', 'big-parallel'],
  sandbox: 'on',
  maxJobs: 4,
  cores: 2,
  substituters: [],
  trustedPublicKeys: [],
  trustedUsers: [],
  experimentalFeatures: [],
  flakeRegistry: '',
};

function fleetOf(
  builders: LocalFleetOptions['builders'],
  configuration = HOST,
  env: RealNix['env'] = {},
): LocalFleet {
  return createLocalFleet({
    configuration,
    env,
    derivations: createDerivationReader(),
    builders,
    isExpectedOffline: (name) => name === 'patient',
  });
}

test('one that is told nothing offers all that the host has, and what is emulated is told apart', () => {
  const { present, absent, warnings } = fleetOf([{ name: 'local' }]);

  expect(absent).toEqual([]);
  expect(warnings).toEqual([]);
  expect(present).toMatchObject([
    {
      name: 'local',
      nixVersion: '2.8.0',
      offer: {
        systems: ['x86_64-linux', 'i686-linux', 'x86_64-v2-linux'],
        emulatedSystems: ['aarch64-linux'],
        features: ['kvm', 'big-parallel'],
        mandatoryFeatures: [],
        isSandboxed: true,
        slots: 4,
        speedFactor: 1,
      },
    },
  ]);
});

test('each offers its part, and nothing that the host does not have', () => {
  const fleet = fleetOf([
    {
      name: 'patient',
      slots: 2,
      systems: ['aarch64-linux', 'riscv64-linux'],
      features: ['kvm', 'gpu'],
      mandatoryFeatures: ['kvm'],
      speedFactor: 0.5,
    },
    { name: 'other', slots: null, systems: null, features: [] },
  ]);

  expect(fleet.present.map(({ name, offer }) => ({ name, ...offer }))).toEqual([
    {
      name: 'patient',
      systems: [],
      emulatedSystems: ['aarch64-linux'],
      features: ['kvm'],
      mandatoryFeatures: ['kvm'],
      isSandboxed: true,
      slots: 2,
      speedFactor: 0.5,
    },
    {
      name: 'other',
      systems: ['x86_64-linux', 'i686-linux', 'x86_64-v2-linux'],
      emulatedSystems: ['aarch64-linux'],
      features: [],
      mandatoryFeatures: [],
      isSandboxed: true,
      slots: 4,
      speedFactor: 1,
    },
  ]);
  expect(fleet.warnings).toEqual([
    'local_builders.patient is to offer riscv64-linux, gpu, which Nix on this host does not have (system-features and extra-platforms in nix.conf).',
  ]);
  expect([fleet.isExpectedOffline('patient'), fleet.isExpectedOffline('other')]).toEqual([true, false]);
  expect(
    fleet.listen(() => {
      throw new Error('it never changes');
    })(),
  ).toBeUndefined();
});

describe.each(installedNixes())('$title', (nix) => {
  test.skipIf(nix.isMissing)(
    'two build side by side in one store, with one input that both need',
    async () => {
      const drvs = await instantiate(
        nix,
        String.raw`${['a', 'b'].map((half) => range(4, (at) => `${half}${at} = build "${half}${at}" "echo $x > $out" { x = build "input" "echo x > $out" {}; };`)).join('\n')}`,
      );
      const halves = ['a', 'b'].map((half) =>
        recordBuilds(Object.fromEntries(Object.entries(drvs).filter(([name]) => name.startsWith(half)))),
      );
      const { present } = fleetOf(
        [{ name: 'one' }, { name: 'two' }],
        await readNixConfiguration(nix.env),
        nix.env,
      );

      await Promise.all(
        present.map(async (builder, at) => {
          const record = halves[at] ?? recordBuilds({});
          for (let requests = record.requests; requests.length > 0; requests = record.takeReturned()) {
            await builder.build(requests, 1, LIMITS, record.observer, AbortSignal.timeout(60_000));
          }
        }),
      );

      const kinds = halves.flatMap((record, at) =>
        [0, 1, 2, 3].map((number) => record.endingOf(`${at === 0 ? 'a' : 'b'}${number}`)?.kind),
      );
      expect(kinds).toEqual(Array.from({ length: 8 }, () => 'built'));
    },
  );
});
