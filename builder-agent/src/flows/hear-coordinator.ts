/** What the coordinator says, and who does it. */
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { ChannelUse, CoordinatorMessage } from '@argunix/shared/protocol/coordinator-message';
import type { Builds } from '../ports/builds.ts';
import { type BuildLeasesPorts, buildLeases } from './build-leases.ts';
import type { Fetches } from './fetch-from-caches.ts';

export interface HearCoordinatorPorts extends BuildLeasesPorts {
  readonly builds: Builds;
  readonly fetches: Fetches;
  readonly openChannel: (channel: string, use: ChannelUse, isAnew: boolean) => void;
}

export function hearCoordinator(message: CoordinatorMessage, ports: HearCoordinatorPorts): void {
  switch (message.type) {
    case 'build':
      void buildLeases(message, ports);
      break;
    case 'cancel':
      stopLease(message.lease, 'cancel', ports);
      break;
    case 'release':
      stopLease(message.lease, 'release', ports);
      break;
    case 'substitute':
      ports.fetches.start(message);
      break;
    case 'stop_substituting':
      ports.fetches.stop(message.id);
      break;
    case 'open':
      ports.openChannel(message.channel, message.use, message.anew);
      break;
  }
}

/** One that is not held was released before, by a message whose answer was lost. */
function stopLease(leaseId: LeaseId, why: 'cancel' | 'release', ports: HearCoordinatorPorts): void {
  const lease = ports.leases.find(leaseId);
  if (lease === undefined) {
    return;
  }
  if (lease.end === null) {
    lease.stoppedFor ??= why;
    ports.builds.cancel(leaseId);
  } else if (why === 'cancel') {
    ports.leases.repeat(lease);
  }
  if (why === 'release') {
    ports.leases.release(lease);
  }
}
