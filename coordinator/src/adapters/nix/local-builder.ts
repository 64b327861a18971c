/** Builds in the Nix store of this host. */
import type { LeaseId } from '@argunix/shared/domain/ids';
import { type BuildBatch, startBatch } from '@argunix/shared/nix/builds/build-batch';
import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';
import type { NixConfiguration, NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import { nixOffer, type OfferedPart } from '@argunix/shared/nix/nix-offer';
import type { Builder } from '../../ports/builder.ts';

export interface LocalBuilderOptions {
  readonly name: string;
  readonly configuration: NixConfiguration;
  /** All of the environment of `nix-store`: PATH, HOME, NIX_CONFIG, NIX_REMOTE as far as they are wanted. */
  readonly env: NixEnvironment;
  readonly derivations: DerivationReader;
  /** What of this host it offers; default: everything. */
  readonly offer?: OfferedPart;
  /** Between the polite signal to a nix-store and the kill of all that it started. */
  readonly graceMs?: number;
  /** How long others may have to wait for a build of the same call. */
  readonly patienceMs?: number;
}

export function createLocalBuilder(options: LocalBuilderOptions): Builder {
  const { configuration } = options;
  const batches = new Set<BuildBatch>();
  return {
    name: options.name,
    offer: nixOffer(configuration, options.offer),
    nixVersion: configuration.version.text,
    async build(requests, slots, limits, observer, signal) {
      const batch = startBatch(requests, Math.max(1, slots), limits, observer, signal, {
        env: options.env,
        isSandboxed: configuration.sandbox === 'on',
        derivations: options.derivations,
        ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
        ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
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
