/** What a builder elsewhere needs of the rest of the coordinator. */
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';
import type { CoordinatorMessageInput } from '@argunix/shared/protocol/coordinator-message';
import type { Direction } from '../../../ports/builder.ts';
import type { CourierClient, CourierProgress } from './courier-client.ts';

export interface RemoteBuilderPorts {
  readonly courier: CourierClient;
  readonly derivations: DerivationReader;
  /** Lines of the log of a lease that are stored. */
  lineCount(leaseId: LeaseId): Promise<number>;
  send(message: CoordinatorMessageInput): void;
  /** Something is on its way; null: no more. */
  moved(key: object, transfer: TransferNow | null): void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly patience: Patience;
  /** So long without anything is a connection that stands still. */
  readonly stallMs: number;
}

/** Read when it is needed: it may change at any time. */
export interface Patience {
  /** How long a builder may stay away with what it has. */
  readonly graceMs: number;
  /** The first pause before something is tried again; each next one is twice as long. */
  readonly retryMs: number;
}

export interface TransferNow {
  readonly direction: Direction;
  readonly leases: readonly LeaseId[];
  readonly progress: CourierProgress | null;
}
