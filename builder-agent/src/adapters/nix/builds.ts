/** Builds in the Nix store of this host, by the batches that a local builder of the coordinator uses too. */
import { type BuildBatch, startBatch } from '@argunix/shared/nix/builds/build-batch';
import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import type { Builds } from '../../ports/builds.ts';

export interface BuildsOptions {
  readonly env: NixEnvironment;
  readonly derivations: DerivationReader;
  /** As Nix is set when a batch begins. */
  readonly isSandboxed: () => boolean;
  readonly graceMs?: number;
}

export function createBuilds({ env, derivations, isSandboxed, graceMs }: BuildsOptions): Builds {
  const batches = new Set<BuildBatch>();
  let running = 0;
  // Whoever ends all of them ends each: that is what a lease is for.
  const never = new AbortController().signal;
  return {
    start(requests, slots, limits, observer) {
      const batch = startBatch(
        requests,
        slots,
        limits,
        {
          ...observer,
          started(leaseId) {
            running += 1;
            begun.add(leaseId);
            observer.started(leaseId);
          },
          ended(leaseId, ending) {
            running -= begun.delete(leaseId) ? 1 : 0;
            observer.ended(leaseId, ending);
          },
        },
        never,
        { env, derivations, isSandboxed: isSandboxed(), ...(graceMs === undefined ? {} : { graceMs }) },
      );
      const begun = new Set<unknown>();
      batches.add(batch);
      void batch.ended.then(() => batches.delete(batch));
    },
    cancel(leaseId) {
      for (const batch of batches) {
        batch.cancel(leaseId);
      }
    },
    get running() {
      return running;
    },
  };
}
