/** Shows a transfer while it lasts, whatever becomes of it. */
import type { Direction } from '../../../ports/builder.ts';
import type { CourierProgress } from './courier-client.ts';
import type { RemoteLease } from './remote-lease.ts';
import type { RemoteBuilderPorts } from './remote-ports.ts';

export async function showTransfer<Result>(
  { moved }: Pick<RemoteBuilderPorts, 'moved'>,
  direction: Direction,
  carried: readonly RemoteLease[],
  work: (onProgress: (progress: CourierProgress) => void) => Promise<Result>,
): Promise<Result> {
  const key = {};
  const now = { direction, leases: carried.map(({ leaseId }) => leaseId) };
  moved(key, { ...now, progress: null });
  try {
    return await work((progress) => moved(key, { ...now, progress }));
  } finally {
    moved(key, null);
  }
}
