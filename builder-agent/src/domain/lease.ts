/**
 * A lease as its agent holds it. It is *held* from the message that brings it until it is released; it *runs* until its
 * ending is known, which happens once. Released while it runs, it is stopped first and forgotten when that is done.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';

export interface LeaseRequest {
  readonly leaseId: LeaseId;
  readonly drvPath: DerivationPath;
  /** Owner of the roots of what was brought for it and those that came with it. */
  readonly inputsOwner: string;
}

export interface LeaseEnd {
  readonly ending: BuildEnding;
  readonly logLines: number;
  readonly at: EpochMs;
}

export interface Lease {
  readonly request: LeaseRequest;
  /** What the coordinator, or our own stop, wants of it; the first of them counts. */
  stoppedFor: 'cancel' | 'release' | 'stop' | 'spool' | null;
  isReleased: boolean;
  hasStarted: boolean;
  end: LeaseEnd | null;
}

export function isForgotten({ end }: Lease, now: EpochMs, keepMs: number): boolean {
  return end !== null && now - end.at > keepMs;
}

const STOPPED = 'The builder was stopped while it built this.';
export const RESTARTED: BuildEnding = {
  kind: 'infrastructure',
  reason: 'The agent was restarted while it built this.',
};

/** A build that nobody but this host ended is to be tried again: that is no cancellation. */
export function endingOf(lease: Lease, judged: BuildEnding, spoolTrouble: string | null): BuildEnding {
  if (spoolTrouble !== null) {
    return { kind: 'infrastructure', reason: `The log could not be kept on the builder: ${spoolTrouble}` };
  }
  return judged.kind === 'cancelled' && lease.stoppedFor === 'stop'
    ? { kind: 'infrastructure', reason: STOPPED }
    : judged;
}

export function rootsOwner(leaseId: LeaseId): string {
  return `lease-${leaseId}`;
}

/** Of the inputs of one batch: by its first lease, which no other batch has. */
export function inputsOwner(first: LeaseId): string {
  return `inputs-${first}`;
}
