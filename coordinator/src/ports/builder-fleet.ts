import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { BuilderOffer } from '../domain/builder-offer.ts';
import type { Builder, DispatchObserver } from './builder.ts';

/** A builder that is enrolled and not there now. */
export interface AbsentBuilder {
  readonly name: string;
  /** As it was when it was last there. */
  readonly offer: BuilderOffer;
  readonly leftAt: EpochMs;
}

/** Takes up a build that the builder went on with while the coordinator was away. */
export interface HeldBuild {
  readonly leaseId: LeaseId;
  /** From now on it is observed as if it had been asked for now; resolves when it has ended. */
  resume(observer: DispatchObserver, signal: AbortSignal): Promise<void>;
}

export type FleetEvent =
  /** It is there, or offers something else than before; `held` are builds it still has from before. */
  | { readonly kind: 'joined'; readonly builder: Builder; readonly held: readonly HeldBuild[] }
  /** It finishes what it has and takes nothing new, for this reason; null: it does again. */
  | { readonly kind: 'paused'; readonly name: string; readonly reason: string | null }
  | { readonly kind: 'left'; readonly name: string; readonly at: EpochMs }
  /** It will not come back. */
  | { readonly kind: 'removed'; readonly name: string };

/** All builders that there are, this host's own included. */
export interface BuilderFleet {
  readonly present: readonly Builder[];
  readonly absent: readonly AbsentBuilder[];
  /** Whether work for it waits for it without end. */
  isExpectedOffline(name: string): boolean;
  /** Called for each event from now on, in order, until the returned function is called. Listeners must not throw. */
  listen(listener: (event: FleetEvent) => void): () => void;
}
