/** What an earlier life of the agent held is held again: ended as it ended, or by the restart. */
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { GcRoots } from '@argunix/shared/nix/roots/gc-roots';
import { RESTARTED } from '../domain/lease.ts';
import type { LeaseFiles } from '../ports/lease-files.ts';
import type { HeldLeases } from './hold-leases.ts';

export interface RecoverLeasesPorts {
  readonly leases: HeldLeases;
  readonly files: LeaseFiles;
  readonly roots: GcRoots;
  readonly clock: Clock;
  readonly log: Logger;
}

export async function recoverLeases({ leases, files, roots, clock, log }: RecoverLeasesPorts): Promise<void> {
  let cutOff = 0;
  for (const kept of await files.readAll()) {
    const end = kept.end ?? { ending: RESTARTED, logLines: kept.logLines, at: clock.now() };
    if (kept.end === null) {
      cutOff += 1;
      await files.writeEnd(kept.request.leaseId, end);
    }
    leases.adopt(kept.request, end);
  }
  const held = [...leases.all()].length;
  if (held > 0) {
    log.info({ held, cutOff }, 'leases of an earlier start are held until the coordinator releases them');
  }
  await roots.sweep((owner) => leases.isOwner(owner));
}
