/**
 * Every lease that this host has, from the message that brings it until it is released. Alone changes what domain/lease
 * describes; whoever changes something outside of it, files and roots, does that before or after, never in between.
 */
import type { LeaseId } from '@argunix/shared/domain/ids';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { GcRoots } from '@argunix/shared/nix/roots/gc-roots';
import { fromEnding } from '@argunix/shared/protocol/build-ending';
import type { HeldLeaseInput } from '@argunix/shared/protocol/hello';
import { isForgotten, type Lease, type LeaseEnd, type LeaseRequest, rootsOwner } from '../domain/lease.ts';
import type { CoordinatorLink } from '../ports/coordinator-link.ts';
import type { LeaseFiles } from '../ports/lease-files.ts';

export interface HeldLeases {
  /** Undefined for one that is held already. */
  begin(request: LeaseRequest): Lease | undefined;
  /** As a restart finds it. */
  adopt(request: LeaseRequest, end: LeaseEnd): void;
  find(leaseId: LeaseId): Lease | undefined;
  started(lease: Lease): void;
  /** The first time counts. */
  ended(lease: Lease, end: LeaseEnd): void;
  /** Says again how it ended, if it did. */
  repeat(lease: Lease): void;
  /** It ends, then nothing of it is left. */
  release(lease: Lease): void;
  releaseOlderThan(keepMs: number): void;
  /** For the hello. */
  told(): readonly HeldLeaseInput[];
  all(): Iterable<Lease>;
  isOwner(rootsOwner: string): boolean;
  /** Resolves when none is left, or none runs any more, or when the signal aborts. */
  untilGone(signal: AbortSignal): Promise<void>;
  untilEnded(signal: AbortSignal): Promise<void>;
}

export interface HoldLeasesPorts {
  readonly link: CoordinatorLink;
  readonly files: LeaseFiles;
  readonly roots: GcRoots;
  readonly clock: Clock;
  readonly log: Logger;
}

export function holdLeases({ link, files, roots, clock, log }: HoldLeasesPorts): HeldLeases {
  const leases = new Map<LeaseId, Lease>();
  const watchers = new Set<() => void>();

  function changed(): void {
    for (const look of watchers) {
      look();
    }
  }
  function hold(request: LeaseRequest, end: LeaseEnd | null): Lease {
    const lease: Lease = { request, end, stoppedFor: null, isReleased: false, hasStarted: false };
    leases.set(request.leaseId, lease);
    return lease;
  }
  function tellEnd({ request, end }: Lease): void {
    if (end !== null) {
      link.send({
        type: 'ended',
        lease: request.leaseId,
        ending: fromEnding(end.ending),
        log_lines: end.logLines,
      });
    }
  }
  function forget({ request: { leaseId, inputsOwner } }: Lease): void {
    leases.delete(leaseId);
    changed();
    const owners = [rootsOwner(leaseId), ...(isOwner(inputsOwner) ? [] : [inputsOwner])];
    void Promise.all([files.remove(leaseId), ...owners.map((owner) => roots.remove(owner))]).catch(
      (error: unknown) => log.warn({ leaseId, reason: messageOf(error) }, 'a lease could not be cleaned up'),
    );
  }
  function isOwner(owner: string): boolean {
    return [...leases.values()].some(
      ({ request }) => owner === request.inputsOwner || owner === rootsOwner(request.leaseId),
    );
  }
  function release(lease: Lease): void {
    lease.isReleased = true;
    if (lease.end !== null) {
      forget(lease);
    }
  }
  function until(isSo: (lease: Lease) => boolean, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (signal.aborted || [...leases.values()].every((lease) => isSo(lease))) {
        watchers.delete(look);
        signal.removeEventListener('abort', look);
        resolve();
      }
    };
    watchers.add(look);
    signal.addEventListener('abort', look);
    look();
    return promise;
  }

  return {
    begin: (request) => (leases.has(request.leaseId) ? undefined : hold(request, null)),
    adopt: (request, end) => void hold(request, end),
    find: (leaseId) => leases.get(leaseId),
    started(lease) {
      lease.hasStarted = true;
      link.send({ type: 'started', lease: lease.request.leaseId });
    },
    ended(lease, end) {
      if (lease.end === null) {
        lease.end = end;
        if (lease.isReleased) {
          forget(lease);
        } else {
          tellEnd(lease);
        }
        changed();
      }
    },
    repeat: tellEnd,
    release,
    releaseOlderThan(keepMs) {
      for (const lease of [...leases.values()]) {
        if (isForgotten(lease, clock.now(), keepMs)) {
          log.warn(
            { lease: lease.request.leaseId },
            'forgot a lease that ended long ago and was never released',
          );
          release(lease);
        }
      }
    },
    told: () =>
      [...leases.values()]
        .filter(({ isReleased }) => !isReleased)
        .map(({ request, hasStarted, end }) => ({
          lease: request.leaseId,
          drv_path: request.drvPath,
          started: hasStarted,
          ending: end === null ? null : fromEnding(end.ending),
          log_lines: end?.logLines ?? null,
        })),
    all: () => leases.values(),
    isOwner,
    untilGone: (signal) => until(() => false, signal),
    untilEnded: (signal) => until(({ end }) => end !== null, signal),
  };
}
