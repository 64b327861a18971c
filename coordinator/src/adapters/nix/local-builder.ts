/** Builds in the Nix store of this host. */
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { NixConfiguration, NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import type { Builder } from '../../ports/builder.ts';
import type { DerivationReader } from '../../ports/derivation-reader.ts';
import { type BuildBatch, startBatch } from './build-batch.ts';

export interface LocalBuilderOptions {
  readonly name: string;
  readonly configuration: NixConfiguration;
  /** All of the environment of `nix-store`: PATH, HOME, NIX_CONFIG, NIX_REMOTE as far as they are wanted. */
  readonly env: NixEnvironment;
  readonly derivations: DerivationReader;
  /** Default: Nix's own `max-jobs`. */
  readonly slots?: number;
  /** Between the polite signal to a nix-store and the kill of all that it started. */
  readonly graceMs?: number;
}

export function createLocalBuilder(options: LocalBuilderOptions): Builder {
  const { configuration } = options;
  const batches = new Set<BuildBatch>();
  return {
    name: options.name,
    offer: {
      systems: [configuration.system, ...configuration.extraPlatforms],
      emulatedSystems: [],
      features: configuration.systemFeatures,
      mandatoryFeatures: [],
      isSandboxed: configuration.sandbox === 'on',
      // `max-jobs = 0` means "only elsewhere"; who asks this builder to build here means it.
      slots: options.slots ?? Math.max(1, configuration.maxJobs),
      speedFactor: 1,
    },
    nixVersion: configuration.version.text,
    async build(requests, slots, limits, observer, signal) {
      const batch = startBatch(requests, Math.max(1, slots), limits, observer, signal, {
        env: options.env,
        isSandboxed: configuration.sandbox === 'on',
        derivations: options.derivations,
        ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
      });
      batches.add(batch);
      await batch.ended;
      batches.delete(batch);
    },
    cancel(leaseId: LeaseId) {
      for (const batch of batches) {
        batch.cancel(leaseId);
      }
    },
  };
}
