import type { BuildLimits, BuildObserver, BuildRequest } from '@argunix/shared/domain/build-request';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { BuilderOffer } from '../domain/builder-offer.ts';

export type Direction = 'push' | 'pull';

/** What it took to bring a closure to a builder, or what it made back. */
export interface Carried {
  readonly bytes: number;
  readonly tookMs: number;
}

/** For a builder elsewhere there is more to tell; one of this host never does. */
export interface DispatchObserver extends BuildObserver {
  /** Its closure is on its way there, or what was made is on its way back: then it needs no slot any more. */
  carrying(leaseId: LeaseId, direction: Direction): void;
  carried(leaseId: LeaseId, direction: Direction, what: Carried): void;
}

export interface Builder {
  readonly name: string;
  readonly offer: BuilderOffer;
  readonly nixVersion: string;
  /**
   * Builds all of `requests` in one go, at most `slots` at a time, with outputs that are rooted before. One that needs
   * another of them waits for it. More requests than slots are short work that shares processes: what would have to
   * wait for a long one of them ends as `returned`, soon. Callers may be concurrent. Never throws: trouble is an ending.
   * Resolves when every lease has ended and every process of it is gone.
   */
  build(
    requests: readonly BuildRequest[],
    slots: number,
    limits: BuildLimits,
    observer: DispatchObserver,
    signal: AbortSignal,
  ): Promise<void>;
  /** Ends this one as `cancelled` and none of the others; nothing when it has ended, or is not of this builder. */
  cancel(leaseId: LeaseId): void;
}
