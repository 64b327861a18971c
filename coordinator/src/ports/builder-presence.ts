import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { HostStats, Pause } from '@argunix/shared/protocol/capabilities';
import type { Refusal } from '@argunix/shared/protocol/hello';

/** A closure on its way to a builder or back. */
export interface Transfer {
  readonly direction: 'push' | 'pull';
  /** For whose sake. */
  readonly leases: readonly LeaseId[];
  /** `waiting`: for others to the same builder; `asking`: what has to be sent; `substituting`: it fetches from caches. */
  readonly step: 'waiting' | 'asking' | 'substituting' | 'sending';
  readonly pathsDone: number;
  readonly pathsTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly bytesPerSecond: number;
  readonly startedAt: EpochMs;
}

/** How an enrolled builder is now. */
export interface Presence {
  readonly name: string;
  readonly isConnected: boolean;
  /** Of this connection, or of its loss; null for one that was never there since the start. */
  readonly since: EpochMs | null;
  /** Why it left, where it did. */
  readonly lossReason: string | null;
  readonly agentVersion: string | null;
  /** There and back. */
  readonly roundTripMs: number | null;
  readonly heardAt: EpochMs | null;
  readonly stats: HostStats | null;
  /** Why it takes nothing new: an operator's wish or its own. */
  readonly pause: Pause | null;
  readonly transfers: readonly Transfer[];
}

export interface BuilderPresence {
  of(name: string): Presence | undefined;
  /** What was refused at the door lately, newest first: for whoever wonders why a builder does not come in. */
  refusals(): readonly { readonly at: EpochMs; readonly from: string; readonly reason: string }[];
  /** `host:port` where builders dial in; null while it does not listen. */
  readonly address: string | null;
}

/** Tells those who are connected what an operator decided; the store knows it already. */
export interface BuilderDoor {
  /** Hangs up after telling it why. */
  hangUp(name: string, refusal: Refusal): void;
  drained(name: string, isDrained: boolean): void;
  /** Whether it has work: then its name is in use. */
  isBusy(name: string): boolean;
  renamed(name: string, newName: string): void;
  /** It will not come back: what it builds is lost. */
  removed(name: string): void;
}
