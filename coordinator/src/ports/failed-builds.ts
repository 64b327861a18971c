import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { JobId, LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';

/** A failure that will come again: the build script itself ended with another code than 0. */
export interface FailedBuild {
  readonly failedAt: EpochMs;
  readonly reason: string;
  /** One that it was built for. It, or its lease, may be gone by now. */
  readonly jobId: JobId | null;
  readonly leaseId: LeaseId | null;
}

/** Which derivations failed lately. Told by `JobStore.settle`, forgotten by `JobStore.restart`. */
export interface FailedBuilds {
  /** The newest since `since` of each. For trusted work only what failed as trusted: nothing crosses from untrusted to trusted. */
  find(
    drvPaths: readonly DerivationPath[],
    isTrusted: boolean,
    since: EpochMs,
  ): ReadonlyMap<DerivationPath, FailedBuild>;
  forget(drvPaths: readonly DerivationPath[]): Promise<void>;
  /** Forgets what failed before `since`, in pieces that hold nobody up. Returns how many. */
  prune(since: EpochMs): Promise<number>;
}
