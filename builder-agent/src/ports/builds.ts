import type { BuildLimits, BuildObserver, BuildRequest } from '@argunix/shared/domain/build-request';
import type { LeaseId } from '@argunix/shared/domain/ids';

/** Builds in the Nix store of this host. */
export interface Builds {
  /** Each request ends once, told to the observer. */
  start(requests: readonly BuildRequest[], slots: number, limits: BuildLimits, observer: BuildObserver): void;
  /** Its ending is told as any other; nothing for one that is not running. */
  cancel(leaseId: LeaseId): void;
  readonly running: number;
}
