/** Closures under way, for those who may read a job that they travel for. */
import type { TransferView } from '@argunix/shared/control-api/builder-views';
import type { RunningStep } from '@argunix/shared/control-api/views';
import type { Transfer } from '../../ports/builder-presence.ts';
import { toTime } from './visible-steps.ts';

// So many steps of a transfer are named; "and 9 more" says the rest.
const MOST_NAMED = 3;

/** `running`: what of all that runs this reader may see. */
export function readTransfers(
  transfers: readonly Transfer[],
  running: readonly RunningStep[],
  readsAll: boolean,
): TransferView[] {
  return transfers.flatMap((transfer) => {
    const steps = transfer.leases.flatMap((lease) => running.find(({ lease_id: id }) => id === lease) ?? []);
    return steps.length === 0 && !readsAll
      ? []
      : [
          {
            direction: transfer.direction,
            step: transfer.step,
            paths_done: transfer.pathsDone,
            paths_total: transfer.pathsTotal,
            bytes_done: Math.round(transfer.bytesDone),
            bytes_total: Math.round(transfer.bytesTotal),
            bytes_per_second: Math.round(transfer.bytesPerSecond),
            started_at: toTime(transfer.startedAt),
            steps: steps.slice(0, MOST_NAMED),
            step_count: readsAll ? transfer.leases.length : steps.length,
          },
        ];
  });
}
