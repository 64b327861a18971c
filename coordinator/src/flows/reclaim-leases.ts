/**
 * Builds that went on while the coordinator was away. Their leases are still active in the store; each waits here, its
 * step taken so that nobody else builds it, until its builder is back and says that it has it (then it goes on), or
 * that it has not, or until the builder stayed away too long (then it is lost, and the step goes back in line).
 */
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { Scheduler } from '../domain/queue/scheduler.ts';
import type { Step } from '../domain/queue/step.ts';
import type { Builder } from '../ports/builder.ts';
import type { HeldBuild } from '../ports/builder-fleet.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { ActiveLease } from '../ports/lease-store.ts';
import { keepTrying, type PatiencePorts } from './keep-trying.ts';

export interface ReclaimPorts extends PatiencePorts {
  readonly jobs: Pick<JobStore, 'loseLease'>;
}

export interface ReclaimEvents {
  resume(builder: Builder, held: HeldBuild, lease: ActiveLease, step: Step): void;
  /** Its lease is over; the step is still taken. */
  lost(step: Step): void;
  readonly signal: AbortSignal;
  /** How long a builder may stay away. */
  readonly graceMs: number;
}

export interface Reclaim {
  /** Leases of the last run; one whose step nobody wants is lost at once. */
  start(leases: readonly ActiveLease[]): Promise<void>;
  joined(builder: Builder, held: readonly HeldBuild[]): void;
  removed(builder: string): void;
  /** Nobody wants it any more. */
  drop(drvPath: DerivationPath): void;
}

interface Awaited {
  readonly lease: ActiveLease;
  readonly step: Step;
  readonly wait: AbortController;
}

export function createReclaim(ports: ReclaimPorts, scheduler: Scheduler, events: ReclaimEvents): Reclaim {
  const { jobs, clock, log } = ports;
  const awaited = new Map<LeaseId, Awaited>();

  async function storeLoss(id: LeaseId, ending: string): Promise<void> {
    await keepTrying(ports, 'lose a lease', events.signal, () => jobs.loseLease(id, clock.now(), ending));
  }
  function lose(one: Awaited, ending: string): void {
    if (!awaited.delete(one.lease.id)) {
      return;
    }
    one.wait.abort();
    log.warn({ leaseId: one.lease.id, builder: one.lease.builder, ending }, 'a build is lost');
    storeLoss(one.lease.id, ending).then(
      () => {
        scheduler.release(one.step.drvPath, clock.now());
        scheduler.freePlaces(one.lease.builder, 1);
        events.lost(one.step);
      },
      // While stopping: the next start finds the lease again.
      (error: unknown) => log.error({ err: error }, 'the loss of a build could not be stored'),
    );
  }
  async function waitFor(one: Awaited): Promise<void> {
    await clock.sleep(events.graceMs, AbortSignal.any([one.wait.signal, events.signal]));
    if (!events.signal.aborted) {
      lose(one, 'its builder did not come back in time');
    }
  }

  return {
    start: async (leases) => {
      for (const lease of leases) {
        const step = scheduler.graph.get(lease.drvPath);
        if (step !== undefined && scheduler.resume(lease.drvPath, lease.builder, clock.now())) {
          const one = { lease, step, wait: new AbortController() };
          awaited.set(lease.id, one);
          void waitFor(one);
        } else {
          await storeLoss(lease.id, 'nobody wants it any more, or its builder is gone');
        }
      }
    },
    joined: (builder, held) => {
      const has = new Map(held.map((one) => [one.leaseId, one]));
      for (const one of [...awaited.values()].filter(({ lease }) => lease.builder === builder.name)) {
        const build = has.get(one.lease.id);
        if (build === undefined) {
          lose(one, 'its builder came back without it');
        } else {
          awaited.delete(one.lease.id);
          one.wait.abort();
          events.resume(builder, build, one.lease, one.step);
        }
        has.delete(one.lease.id);
      }
      for (const leaseId of has.keys()) {
        builder.cancel(leaseId);
      }
    },
    removed: (builder) => {
      for (const one of [...awaited.values()].filter(({ lease }) => lease.builder === builder)) {
        lose(one, 'its builder was removed');
      }
    },
    drop: (drvPath) => {
      for (const one of [...awaited.values()].filter(({ step }) => step.drvPath === drvPath)) {
        lose(one, 'nobody wants it any more');
      }
    },
  };
}
