import type { LeaseId } from '@argunix/shared/domain/ids';
import type { LeaseEnd, LeaseRequest } from '../domain/lease.ts';
import type { LogSpool } from './log-spool.ts';

/** What is known of leases, so that a restart knows it too. */
export interface LeaseFiles {
  /** Rejects when it could not be written. Idempotent. */
  create(request: LeaseRequest): Promise<void>;
  /** Of a lease that was created, the same one each time. `onTrouble`: it cannot be written any more. */
  openSpool(leaseId: LeaseId, onTrouble: () => void): LogSpool;
  /** All of it or nothing. Rejects when it could not be written. */
  writeEnd(leaseId: LeaseId, end: LeaseEnd): Promise<void>;
  /** Forgets request, log and end; no trouble when it is gone. */
  remove(leaseId: LeaseId): Promise<void>;
  /** What earlier lives left. `end` is null where none was written; then `logLines` tells what its log has. */
  readAll(): Promise<readonly KeptLease[]>;
}

export interface KeptLease {
  readonly request: LeaseRequest;
  readonly end: LeaseEnd | null;
  readonly logLines: number;
}
